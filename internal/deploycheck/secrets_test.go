package deploycheck_test

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/deploycheck"
)

// secrets are keys by the Secret's namespace and name, as the commands of docs/deploying.md make them.
type secrets map[string][]string

var (
	createSecret = regexp.MustCompile(`(?m)^kubectl -n (\S+) create secret (generic|tls) (\S+) (.+)$`)
	secretFile   = regexp.MustCompile(`--from-file=(\S+)`)
)

func documented(t *testing.T) secrets {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docs", "deploying.md"))
	require.NoError(t, err)
	all := secrets{}
	for _, command := range createSecret.FindAllStringSubmatch(string(text), -1) {
		name := command[1] + "/" + command[3]
		if command[2] == "tls" {
			all[name] = []string{"tls.crt", "tls.key"}
			continue
		}
		for _, key := range secretFile.FindAllStringSubmatch(command[4], -1) {
			all[name] = append(all[name], key[1])
		}
	}
	return all
}

// Whoever follows the page has the Secrets that are mounted, with the files that the configuration names,
// and no others.
func TestThePageMakesTheSecrets(t *testing.T) {
	wanted := secrets{}
	for _, folder := range []string{services, sidecar} {
		pods, err := set(t, build(t, folder, nil)).Pods()
		require.NoError(t, err)
		for _, p := range pods {
			for _, file := range p.Config.Files() {
				name := secretOf(t, p, file)
				wanted[name] = append(wanted[name], path.Base(file))
			}
		}
	}
	made := documented(t)
	require.Len(t, made, len(wanted))
	for name, keys := range wanted {
		assert.ElementsMatch(t, keys, made[name], name)
	}
}

// secretOf a file is its namespace and name.
func secretOf(t *testing.T, p *deploycheck.Pod, file string) string {
	t.Helper()
	for _, mount := range p.Container.VolumeMounts {
		if path.Dir(file) != mount.MountPath {
			continue
		}
		for _, volume := range p.Spec.Volumes {
			if volume.Name == mount.Name && volume.Secret != nil {
				return p.Deployment.Namespace + "/" + volume.Secret.SecretName
			}
		}
	}
	require.Fail(t, "in no Secret", file)
	return ""
}

// A folder that the page names is one.
func TestThePageNamesWhatThereIs(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "deploying.md"))
	require.NoError(t, err)
	named := regexp.MustCompile(`\bdeploy/[a-z/.]*[a-z]`).FindAllString(string(text), -1)
	require.Greater(t, len(named), 5)
	for _, name := range named {
		_, err := os.Stat(filepath.Join(root, strings.TrimSuffix(name, ".")))
		assert.NoError(t, err)
	}
}
