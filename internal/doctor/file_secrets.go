package doctor

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// secretFiles looks who on this host can read the secrets, or write what the service believes.
func (x *fileExam) secretFiles() {
	if runtime.GOOS == "windows" {
		x.chart.add(skipped("files", "unknown: permissions are not told in this manner here"))
		return
	}
	f := finding{Name: "files", Status: checkOK}
	secrets, bad := 0, false
	seen := map[string]bool{}
	tell := func(path, key string, secret bool) {
		if seen[path] {
			return
		}
		seen[path] = true
		if secret {
			secrets++
		}
		if of, ok := exposed(path, key, secret); ok {
			bad = true
			x.chart.addOf(path, of)
		}
	}
	tell(x.Path, "the configuration", false)
	for _, named := range x.File.Files {
		tell(named.Path, named.Key, named.Secret)
	}
	if !bad {
		f.Found = counted(secrets, "file") + " with secrets, and no other user of this host can read one or write any"
		x.chart.add(f)
	}
}

// exposed is the warning of a file that others can read or write, if there is one.
func exposed(path, key string, secret bool) (finding, bool) {
	info, err := os.Stat(path)
	if err != nil || !reachable(path) {
		return finding{}, false // it was read a moment ago: a file that changes is read anew
	}
	mode := info.Mode().Perm()
	switch {
	case mode&0o002 != 0:
		return finding{"files", checkWarn, said(key, mode) + ": every user of this host can write it", "chmod o-w"}, true
	case secret && mode&0o004 != 0:
		return finding{"files", checkWarn, said(key, mode) + ": every user of this host can read the secret", "chmod o-r, or defaultMode: 0440 of a Kubernetes volume"}, true
	}
	return finding{}, false
}

func said(key string, mode fs.FileMode) string { return fmt.Sprintf("%s, mode %04o", key, mode) }

// reachable reports whether others can pass through every folder above. What a link leads to is where it lies.
func reachable(path string) bool {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		real = path
	}
	if real, err = filepath.Abs(real); err != nil {
		return true // nobody knows where this process is
	}
	for folder := filepath.Dir(real); ; folder = filepath.Dir(folder) {
		if info, err := os.Stat(folder); err == nil && info.Mode().Perm()&0o001 == 0 {
			return false
		}
		if folder == filepath.Dir(folder) {
			return true
		}
	}
}
