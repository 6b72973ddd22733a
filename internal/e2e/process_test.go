package e2e

import (
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
)

// process is one that listens until it is killed.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	at     string
	stderr *redistest.Output
}

var listensOn = regexp.MustCompile(`listens on (http://\S+)\n`)

// listening starts a process, and waits until it says where it listens.
func (w *world) listening(args ...string) *process {
	w.t.Helper()
	cmd, _, _ := w.command(args...)
	p := &process{t: w.t, cmd: cmd, stderr: &redistest.Output{}}
	cmd.Stderr = p.stderr
	require.NoError(w.t, cmd.Start())
	w.t.Cleanup(p.kill)
	w.soon(func() bool { return listensOn.MatchString(p.stderr.String()) })
	p.at = listensOn.FindStringSubmatch(p.stderr.String())[1]
	return p
}

// kill is kill -9.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

func (w *world) soon(what func() bool) {
	w.t.Helper()
	require.Eventually(w.t, what, 10*time.Second, 10*time.Millisecond)
}

func (p *process) get(path string) (status int, body string) {
	p.t.Helper()
	return p.ask(http.MethodGet, path, "")
}

// ask sends a token along, unless that is empty.
func (p *process) ask(method, path, token string) (status int, body string) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.at+path, nil)
	require.NoError(p.t, err)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(p.t, err)
	text, err := io.ReadAll(res.Body)
	require.NoError(p.t, err)
	require.NoError(p.t, res.Body.Close())
	return res.StatusCode, string(text)
}
