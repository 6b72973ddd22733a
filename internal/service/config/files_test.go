package config_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/config"
)

// The file itself is read as what it names is.
func TestFileItself(t *testing.T) {
	s := newStage(t)
	for path, want := range map[string]string{
		filepath.Join(s.dir, "none.yaml"): "cannot be read: no such file or directory",
		s.dir:                             "cannot be read: it is no regular file, but a folder, a pipe or a device",
		"-":                               `cannot be read: "-" is standard input, which cannot be read again after a change: name a file`,
	} {
		c, err := config.Read(t.Context(), path, s.getenv)
		assert.Nil(t, c)
		assert.EqualError(t, err, path+": "+want)
	}
}

// Names are relative to the folder of the file, wherever the process is.
func TestRelative(t *testing.T) {
	s := newStage(t)
	require.NoError(t, os.Mkdir(filepath.Join(s.dir, "in"), 0o700))
	path := filepath.Join(s.dir, "in", "onetoken.yaml")
	text := "credentials: [{name: a, kind: feishu, app_id: cli_1, app_secret_file: ../app}, {name: b, kind: feishu, app_id: cli_1, app_secret_file: '" + filepath.Join(s.dir, "app") + "'}]"
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	_, err := config.Read(t.Context(), path, s.getenv)
	require.NoError(t, err)
	t.Chdir(s.dir)
	_, err = config.Read(t.Context(), filepath.Join("in", "onetoken.yaml"), s.getenv)
	require.NoError(t, err)
}

// Mounts swap links: what they lead to counts.
func TestLinks(t *testing.T) {
	s := newStage(t)
	if err := os.Symlink("app", filepath.Join(s.dir, "link")); err != nil {
		t.Skip("no links here")
	}
	const text = "credentials: [{name: a, kind: feishu, app_id: cli_1, app_secret_file: link}]"
	before := s.good(text)
	s.write("new", appSecret+"-2")
	require.NoError(t, os.Symlink("new", filepath.Join(s.dir, "next")))
	require.NoError(t, os.Rename(filepath.Join(s.dir, "next"), filepath.Join(s.dir, "link")))
	after := s.good(text)
	assert.NotEqual(t, before.Digest, after.Digest)
	assert.NotEqual(t, before.Credentials[0].Revision, after.Credentials[0].Revision)
}

// Nothing is read once the ctx has ended.
func TestContextOver(t *testing.T) {
	s := newStage(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	path := s.write("onetoken.yaml", crm)
	c, err := config.Read(ctx, path, s.getenv)
	assert.Nil(t, c)
	assert.EqualError(t, err, path+": cannot be read: reading it did not end in time")
}

// A ctx that ends on the way is told once, not of each file that was not read for it.
func TestContextEnds(t *testing.T) {
	s := newStage(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	path := s.write("onetoken.yaml", "credentials: [{name: a, kind: feishu, app_id: cli_1, app_secret_env: APP}, {name: b, kind: feishu, app_id: cli_1, app_secret_file: app}, {name: c, kind: feishu, app_id: cli_1, app_secret_file: client}]")
	_, err := config.Read(ctx, path, func(name string) string {
		cancel()
		return s.getenv(name)
	})
	assert.EqualError(t, err, path+":1:115: credentials[1].app_secret_file: the file cannot be taken: reading it did not end in time")
}
