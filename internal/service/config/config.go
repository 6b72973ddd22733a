package config

import (
	"context"
	"path/filepath"

	"go.yaml.in/yaml/v3"
)

// Config is what a configuration file and the files and variables that it names say. It is not
// changed after Read, and so may be shared.
type Config struct {
	Redis       Redis
	Credentials []Credential // in the order of the file; none is legal
	Status      Listener     // the zero one without a status section
	Tokens      Tokens       // the zero one without a tokens section
	Gateway     Gateway      // the zero one without a gateway section

	// Digest is of the file, and of every file and variable that it names: Configs of equal Digests
	// are equal. It is keyed, and can be compared within one process alone: it tells nothing of the
	// secrets.
	Digest string

	// Files are those that it names and that were read, in the order of the file.
	Files []File

	// Warnings are of what works and should not stay so, such as a certificate that has expired.
	Warnings Complaints
}

// Read reads the file at path and every file that it names, each of 64 KiB at most, the file itself
// of 1 MiB. Relative names are relative to the folder of the file. getenv is asked for the variables
// that the file names, and has "" for those that are not set.
//
// The error is Complaints: all of them. Once ctx ends, they are of what was not read in time. Files are
// read each time anew; nothing else is contacted. It costs some 100 µs a credential, most of them for its file.
func Read(ctx context.Context, path string, getenv func(string) string) (*Config, error) {
	r := newReader(path, getenv)
	c := r.config(ctx)
	if err := r.err(); err != nil {
		return nil, err
	}
	c.Digest, c.Files, c.Warnings = r.files.read.sum(), r.files.named, r.warnings
	return c, nil
}

// reader reads one configuration, once.
type reader struct {
	inputs
	credentials *credentialNames
	clients     *identities
}

func newReader(path string, getenv func(string) string) *reader {
	folder, err := filepath.Abs(filepath.Dir(path))
	if err != nil { // nobody knows where this process is
		folder = filepath.Dir(path)
	}
	return &reader{
		inputs: inputs{
			tree:  tree{complaints{file: path, told: map[string]bool{}}},
			files: newFiles(folder, getenv),
			ways:  newWays(),
		},
		credentials: &credentialNames{paths: map[string]string{}},
		clients:     newIdentities(),
	}
}

// config is whole only if there are no complaints.
func (r *reader) config(ctx context.Context) *Config {
	root := r.document(ctx)
	if root == nil {
		return nil
	}
	s, ok := r.section(value{line: root.Line, column: root.Column, node: root}, keys{known: []string{"redis", "credentials", "status", "tokens", "gateway"}})
	if !ok {
		return nil
	}
	c := &Config{
		Redis:       r.redis(ctx, s.get("redis")),
		Credentials: r.credentialList(ctx, r.need(s, "credentials", "list what is kept fresh, or write credentials: [] for nothing yet")),
		Status:      r.status(ctx, s.get("status")),
	}
	status := address{"status.listen", c.Status.Listen}
	c.Tokens = r.tokens(ctx, s.get("tokens"), status)
	c.Gateway = r.gateway(ctx, s.get("gateway"), c.Credentials, status, address{"tokens.listen", c.Tokens.Listen})
	return c
}

// document reads the file itself; nil after a complaint.
func (r *reader) document(ctx context.Context) *yaml.Node {
	raw, err := r.files.document(ctx, r.file)
	if err != nil {
		r.complainOfFile("cannot be read: " + err.Error())
		return nil
	}
	return r.parse(raw)
}
