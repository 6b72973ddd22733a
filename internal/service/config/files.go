package config

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/onetoken-go/onetoken/internal/smallfile"
)

const (
	maxDocument = 1 << 20  // of the configuration file
	maxNamed    = 64 << 10 // of a file that it names, or a variable: a secret, a certificate
)

var (
	errStdin   = errors.New(`"-" is standard input, which cannot be read again after a change: name a file`)
	errEmpty   = errors.New("it is empty: write the value into it")
	errUnended = errors.New("reading it did not end in time")
	errUnread  = errors.New("not read, as the time ran out with another file")
)

// inputs read what the values of a tree name: files and variables.
type inputs struct {
	tree
	files *files
	ways  *ways
}

// files are what a configuration names: files and variables, each of which is read once.
type files struct {
	dir    string // relative names are relative to it
	getenv func(string) string
	seen   map[string]content
	read   digest // of everything, in the order in which it was read
	late   bool   // a read did not end in time
	named  []File // that could be read
}

// File is one that the configuration names.
type File struct {
	Key    string // that names it, such as credentials[0].app_secret_file
	Path   string
	Secret bool // what it holds is nobody's business; false: a certificate
}

// certificates are in files that anybody may read.
var certificates = []string{"cert_file", "ca_file", "client_ca_file"}

type content struct {
	text string
	err  error
}

func newFiles(dir string, getenv func(string) string) *files {
	f := &files{dir: dir, getenv: getenv, seen: map[string]content{}, read: newDigest()}
	f.read.add(dir)
	return f
}

// path is where a file is that the configuration names.
func (f *files) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(f.dir, name)
}

// document reads the configuration file itself.
func (f *files) document(ctx context.Context, path string) (string, error) {
	if path == "-" {
		return "", errStdin
	}
	return f.content(ctx, path, maxDocument)
}

// text reads a file that the configuration names. Its error does not say which: the name may be the
// secret itself, in the wrong key.
func (f *files) text(ctx context.Context, name string) (string, error) {
	if name == "-" {
		return "", errStdin
	}
	text, err := f.content(ctx, f.path(name), maxNamed)
	if err == nil && smallfile.CutNewline(text) == "" {
		return "", errEmpty
	}
	return text, err
}

// content of the file at a path. It is errUnread where ctx has ended with another one.
func (f *files) content(ctx context.Context, path string, longest int) (string, error) {
	if c, ok := f.seen[path]; ok {
		return c.text, c.err
	}
	if f.late {
		return "", errUnread
	}
	text, err := readNamed(ctx, path, longest)
	f.late = errors.Is(err, errUnended)
	f.seen[path] = content{text, err}
	f.read.add("file", path, text)
	return text, err
}

// variable reads one; "" is not set.
func (f *files) variable(name string) string {
	text := f.getenv(name)
	f.read.add("variable", name, text)
	return text
}

// readNamed leaves a read behind when ctx ends: nothing else ends one of a file system that hangs.
func readNamed(ctx context.Context, path string, longest int) (string, error) {
	text, err := smallfile.Aside(ctx, func() (string, error) { return smallfile.Read(path, longest) })
	if err != nil && errors.Is(err, ctx.Err()) {
		return "", errUnended
	}
	return text, err
}
