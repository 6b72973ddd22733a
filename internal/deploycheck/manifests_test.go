package deploycheck_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/onetoken-go/onetoken/internal/deploycheck"
)

const kubernetes = "../../deploy/kubernetes"

// folders that kustomize makes a whole of.
const (
	services = "kubernetes"
	sidecar  = "kubernetes/sidecar"
)

// build is what kubectl kustomize makes of a folder of deploy, to which files may be added.
func build(t *testing.T, folder string, added map[string]string) string {
	t.Helper()
	memory := filesys.MakeFsInMemory()
	require.NoError(t, filepath.WalkDir(kubernetes, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return memory.WriteFile(filepath.Join("/kubernetes", strings.TrimPrefix(path, kubernetes)), text)
	}))
	for name, text := range added {
		require.NoError(t, memory.WriteFile("/"+name, []byte(text)))
	}
	text, err := deploycheck.Build(memory, "/"+folder)
	require.NoError(t, err)
	return text
}

func set(t *testing.T, text string) *deploycheck.Set {
	t.Helper()
	s, err := deploycheck.Read(text)
	require.NoError(t, err)
	return s
}

// Each file by itself has no field that the API does not know, and kustomization.yaml lists it.
func TestEachManifestIsReadStrictly(t *testing.T) {
	for _, folder := range []string{"", "sidecar"} {
		list, err := os.ReadFile(filepath.Join(kubernetes, folder, "kustomization.yaml"))
		require.NoError(t, err)
		files, err := filepath.Glob(filepath.Join(kubernetes, folder, "*.yaml"))
		require.NoError(t, err)
		require.Greater(t, len(files), 3)
		for _, file := range files {
			name := filepath.Base(file)
			if name == "kustomization.yaml" {
				continue
			}
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			_, err = deploycheck.Read(string(text))
			assert.NoError(t, err, file)
			assert.Contains(t, string(list), "- "+name+"\n", folder)
		}
	}
}

func TestNothingIsWrongWithTheManifests(t *testing.T) {
	for _, folder := range []string{services, sidecar} {
		t.Run(folder, func(t *testing.T) {
			s := set(t, build(t, folder, nil))
			assert.Empty(t, s.Complaints())
			for _, d := range s.Deployments {
				for _, c := range append(d.Spec.Template.Spec.InitContainers, d.Spec.Template.Spec.Containers...) {
					assert.Regexp(t, `^registry\.example/(onetoken|app):v\d+\.\d+\.\d+$`, c.Image, "a version, and not what is the latest")
				}
			}
		})
	}
}

// The gateway's component and its section belong together.
func TestTheGatewaysComponent(t *testing.T) {
	const overlay = "resources: [../kubernetes]\ncomponents: [../kubernetes/gateway]\n"
	s := set(t, build(t, "overlay", map[string]string{"overlay/kustomization.yaml": overlay}))
	assert.Equal(t, []string{
		"deployment onetoken: ports: port gateway is 8444, and the configuration listens at 0 there",
		"deployment onetoken: ports: Service onetoken leads port 8444 to gateway, where nothing listens for others",
	}, s.Complaints(), "the section is missing")

	section, err := os.ReadFile(filepath.Join(kubernetes, "gateway", "section.yaml"))
	require.NoError(t, err)
	s.ConfigMaps[0].Data["onetoken.yaml"] += string(section)
	assert.Empty(t, s.Complaints())

	base := set(t, build(t, services, nil))
	base.ConfigMaps[0].Data["onetoken.yaml"] += string(section)
	assert.Equal(t, []string{
		"deployment onetoken: ports: gateway listens at 8444, and the container has no port of that name",
		"deployment onetoken: ports: no Service leads to gateway",
		"deployment onetoken: network: clients may not come to gateway",
	}, base.Complaints(), "the component is missing")
}
