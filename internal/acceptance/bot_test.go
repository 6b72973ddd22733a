package acceptance_test

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
)

// bot is a process of gateway/bot.mjs, which waits for something to do. Its methods are for one goroutine
// at a time.
type bot struct {
	t       *testing.T
	process *os.Process
	orders  io.Writer
	came    *bufio.Reader
	told    redistest.Output // what the SDK logs, and what came
}

// task is what a bot is to do: gateway/bot.mjs has the list.
type task struct {
	Do   string `json:"do"`
	Text string `json:"text,omitempty"`
	File string `json:"file,omitempty"`
	Key  string `json:"key,omitempty"`
}

// done is what came of a task.
type done struct {
	OK      bool
	ID      string
	Key     string
	SHA256  string
	Name    string
	Status  int
	Code    int
	Message string
}

// startBot starts one until the test ends, with nothing in its environment but what a bot has.
func startBot(t *testing.T, url, appID, secret string) *bot {
	t.Helper()
	cmd := exec.Command(nodeWith(t, "gateway/node_modules/@larksuiteoapi/node-sdk"), "bot.mjs")
	b := &bot{t: t}
	cmd.Dir, cmd.Stderr = "gateway", &b.told
	cmd.Env = []string{"APP_ID=" + appID, "APP_SECRET=" + secret, "BASE_URL=" + url}
	orders, err := cmd.StdinPipe()
	require.NoError(t, err)
	came, err := cmd.StdoutPipe()
	require.NoError(t, err)
	b.orders, b.came = orders, bufio.NewReader(came)
	require.NoError(t, cmd.Start())
	b.process = cmd.Process
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return b
}

// do has the bot do something, and waits for what came of it. Of a bot that is gone the test is told, and
// nothing came.
func (b *bot) do(what task) (d done) {
	b.t.Helper()
	if !assert.NoError(b.t, json.NewEncoder(b.orders).Encode(what)) {
		return d
	}
	line, err := b.came.ReadBytes('\n')
	_, _ = b.told.Write(line)
	if assert.NoError(b.t, err, "%s", &b.told) {
		assert.NoError(b.t, json.Unmarshal(line, &d), "%s", line)
	}
	return d
}
