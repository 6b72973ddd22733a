//go:build unix

package doctor

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestExposedFiles(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mode, folder fs.FileMode
		secret       bool
		says         string // "": nothing
	}{
		"one's own":              {0o600, 0o755, true, ""},
		"a group's":              {0o640, 0o755, true, ""},
		"everybody's":            {0o644, 0o755, true, "a_file, mode 0644: every user of this host can read the secret"},
		"a certificate":          {0o644, 0o755, false, ""},
		"of all to write":        {0o666, 0o755, false, "a_file, mode 0666: every user of this host can write it"},
		"in a folder of one's":   {0o644, 0o700, true, ""},
		"in a folder of a group": {0o666, 0o750, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := openFolder(t)
			path := filepath.Join(folder, "f")
			require.NoError(t, os.WriteFile(path, nil, 0o600))
			require.NoError(t, os.Chmod(path, c.mode))
			require.NoError(t, os.Chmod(folder, c.folder))
			f, found := exposed(path, "a_file", c.secret)
			assert.Equal(t, c.says != "", found)
			assert.Equal(t, c.says, f.Found)
			if found {
				assert.Equal(t, checkWarn, f.Status)
				assert.NotEmpty(t, f.Advice)
			}
		})
	}
}

// openFolder is one that everybody can reach, if everybody can reach where temporary files are.
func openFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "doctor") // t.TempDir is in a folder for this user alone
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	require.NoError(t, os.Chmod(folder, 0o755))
	if !reachable(filepath.Join(folder, "f")) {
		require.Fail(t, "others cannot reach "+os.TempDir()+": set TMPDIR to a folder that they can")
	}
	return folder
}

// What counts of a link is where it leads.
func TestExposedByALink(t *testing.T) {
	t.Parallel()
	folder, own := openFolder(t), t.TempDir()
	require.NoError(t, os.Chmod(own, 0o700))
	secret := filepath.Join(own, "secret")
	require.NoError(t, os.WriteFile(secret, nil, 0o600))
	require.NoError(t, os.Chmod(secret, 0o644))
	link := filepath.Join(folder, "link")
	require.NoError(t, os.Symlink(secret, link))
	_, found := exposed(link, "a_file", true)
	assert.False(t, found, "it lies in a folder that nobody else can enter")
}
