//go:build unix

package deploycheck_test

import (
	"debug/elf"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An engine is not needed for what an image is made of: the line that compiles is run here, and makes static
// programs that know their version and commit.
func TestTheDockerfileCompiles(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	require.NoError(t, err)
	line := regexp.MustCompile(`(?m)^RUN (CGO_ENABLED=0 go build .*-o /out/ .*)$`).FindStringSubmatch(string(text))
	require.NotNil(t, line)
	for _, argument := range []string{"VERSION", "COMMIT"} {
		require.Contains(t, string(text), "\nARG "+argument+"=\n", "or the line would not know it")
	}
	out := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "sh", "-euc", strings.ReplaceAll(line[1], "/out/", out+"/"))
	cmd.Dir, cmd.Env = root, append(os.Environ(), "VERSION=v1.2.3", "COMMIT=0123abc")
	said, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", said)

	said, err = exec.CommandContext(t.Context(), filepath.Join(out, "onetoken"), "version", "--json").Output()
	require.NoError(t, err)
	var version map[string]any
	require.NoError(t, json.Unmarshal(said, &version))
	assert.Equal(t, "v1.2.3", version["version"])
	assert.Equal(t, "0123abc", version["commit"])
	for _, name := range []string{"onetoken", "webservice"} {
		assert.FileExists(t, filepath.Join(out, name))
		if runtime.GOOS == "linux" {
			assert.True(t, isStatic(t, filepath.Join(out, name)), "an image from scratch has no loader for %s", name)
		}
	}
}

func isStatic(t *testing.T, path string) bool {
	t.Helper()
	program, err := elf.Open(path)
	require.NoError(t, err)
	defer program.Close()
	for _, part := range program.Progs {
		if part.Type == elf.PT_INTERP {
			return false
		}
	}
	return true
}

// The image is of the user that the manifests say, by number: with a name, the kubelet could not tell whether
// that is root.
func TestTheImagesUser(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	require.NoError(t, err)
	assert.Contains(t, string(text), "\nFROM scratch\n")
	assert.Contains(t, string(text), "\nUSER 65532:65532\n")
	assert.Contains(t, string(text), "\nENTRYPOINT [\"onetoken\"]\n")
	p := onlyPod(t, services)
	assert.EqualValues(t, 65532, *p.Spec.SecurityContext.RunAsUser)
	assert.Equal(t, "refresher", p.Container.Args[0])
	assert.Empty(t, p.Container.Command, "the image's entrypoint")
}
