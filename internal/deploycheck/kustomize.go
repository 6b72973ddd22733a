package deploycheck

import (
	"fmt"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// Build is `kubectl kustomize FOLDER`, of files that need be on no disk.
func Build(files filesys.FileSystem, folder string) (string, error) {
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(files, folder)
	if err != nil {
		return "", fmt.Errorf("%s: %w", folder, err)
	}
	text, err := resources.AsYaml()
	return string(text), err
}
