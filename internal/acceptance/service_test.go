package acceptance_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
)

// service is a process of `onetoken refresher --config`, in a folder of its own.
type service struct {
	t     *testing.T
	dir   string
	heard redistest.Output
}

// newService builds the program, and starts nothing.
func newService(t *testing.T) *service {
	t.Helper()
	s := &service{t: t, dir: t.TempDir()}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(s.dir, "onetoken"), "./cmd/onetoken")
	build.Dir = "../.."
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return s
}

// write puts a file into the folder, whole at once, as a running service reads it again and again.
func (s *service) write(name, content string) {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	require.NoError(s.t, os.WriteFile(path+".new", []byte(content), 0o600))
	require.NoError(s.t, os.Rename(path+".new", path))
}

// start runs the service with onetoken.yaml until the test ends, and returns where the listener of that
// name is.
func (s *service) start(listener string) (url string) {
	s.t.Helper()
	cmd := exec.Command(filepath.Join(s.dir, "onetoken"), "refresher", "--config", filepath.Join(s.dir, "onetoken.yaml"))
	cmd.Env, cmd.Stderr = []string{"HOME=" + s.dir}, &s.heard
	require.NoError(s.t, cmd.Start())
	s.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	listens := regexp.MustCompile(listener + `: listens on (http\S+)\n`)
	require.Eventually(s.t, func() bool { return listens.MatchString(s.heard.String()) }, 20*time.Second, 10*time.Millisecond, "%s", &s.heard)
	return listens.FindStringSubmatch(s.heard.String())[1]
}
