package doccheck

import (
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Repository is what the documents are checked against: names of files, and the documents by these names.
type Repository struct {
	Files map[string]bool // and folders, each from the root, with slashes
	Pages map[string]*Page
}

// Open reads all documents of a checkout, which git has to know: files that it ignores do not count.
func Open(root string) (*Repository, error) {
	cmd := exec.Command("git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = root
	list, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("git ls-files: %w", err)
	}
	r := &Repository{Files: map[string]bool{}, Pages: map[string]*Page{}}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(list), "\x00"), "\x00") {
		if err := r.add(root, name); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (r *Repository) add(root, name string) error {
	file := filepath.Join(root, filepath.FromSlash(name))
	if _, err := os.Stat(file); os.IsNotExist(err) {
		return nil // deleted, which git has not been told
	}
	for folder := name; folder != "."; folder = path.Dir(folder) {
		r.Files[folder] = true
	}
	if !strings.HasSuffix(name, ".md") {
		return nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	r.Pages[name] = Read(name, text)
	return nil
}

// Names of all documents, sorted.
func (r *Repository) Names() (names []string) {
	for name := range r.Pages {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Complaints about a repository; none: all is well.
type Complaints []string

func (c *Complaints) add(page string, line int, format string, args ...any) {
	*c = append(*c, fmt.Sprintf("%s:%d: %s", page, line, fmt.Sprintf(format, args...)))
}
