package page_test

import (
	"bufio"
	"encoding/json"
	"io"
	"maps"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// requireEnv set to 1 makes a failure of what is missing, as everywhere in this repository.
const requireEnv = "ONETOKEN_REQUIRE_REDIS"

func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv(requireEnv) == "1" {
		t.Fatal(what + "; " + requireEnv + "=1 wants it")
	}
	t.Skip(what)
}

// browser is a Chromium with one window.
type browser struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Reader
}

// window is how it is opened. The zero one is light and has JavaScript.
type window struct {
	Width, Height int // 0: 1440, 900
	Dark, Still   bool
	Reduced       bool // motion
}

func startBrowser(t *testing.T) *browser {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		missing(t, "node is not installed: it comes with Debian's nodejs")
	}
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		missing(t, "chromium is not installed: it comes with Debian's chromium")
	}
	for _, module := range []string{"playwright-core", "axe-core"} {
		if _, err := os.Stat("node_modules/" + module); err != nil {
			missing(t, module+` is not installed: "npm ci" in internal/acceptance/page does that`)
		}
	}
	cmd := exec.Command(node, "browser.mjs", chromium)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = in.Close() // with which it closes the browser, and ends
		dead := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
		defer dead.Stop()
		_ = cmd.Wait()
	})
	return &browser{t: t, in: in, out: bufio.NewReader(out)}
}

// do returns the value of a command's answer.
func (b *browser) do(what string, with map[string]any) json.RawMessage {
	b.t.Helper()
	command := map[string]any{"do": what}
	maps.Copy(command, with)
	line, err := json.Marshal(command)
	require.NoError(b.t, err)
	_, err = b.in.Write(append(line, '\n'))
	require.NoError(b.t, err)
	reply, err := b.out.ReadBytes('\n')
	require.NoError(b.t, err)
	var answer struct {
		Value json.RawMessage
		Error string
	}
	require.NoError(b.t, json.Unmarshal(reply, &answer))
	require.Empty(b.t, answer.Error, what)
	return answer.Value
}

func (b *browser) open(url string, w window) {
	b.t.Helper()
	if w.Width == 0 {
		w.Width, w.Height = 1440, 900
	}
	scheme := "light"
	if w.Dark {
		scheme = "dark"
	}
	b.do("open", map[string]any{"url": url, "width": w.Width, "height": w.Height, "scheme": scheme, "javascript": !w.Still, "reduced": w.Reduced})
}

func eval[T any](b *browser, code string) (value T) {
	b.t.Helper()
	raw := b.do("eval", map[string]any{"code": code})
	require.NoError(b.t, json.Unmarshal(raw, &value), "%s: %s", code, raw)
	return value
}

// until waits for an expression to be true.
func (b *browser) until(code string) {
	b.t.Helper()
	for end := time.Now().Add(time.Minute); !eval[bool](b, code); time.Sleep(100 * time.Millisecond) {
		require.True(b.t, time.Now().Before(end), "%s\non the page:\n%s", code, eval[string](b, `document.body.innerText`))
	}
}

func (b *browser) text(selector string) string {
	b.t.Helper()
	return eval[string](b, `document.querySelector(`+strconv.Quote(selector)+`)?.textContent ?? ""`)
}

// shot is what is in the window, as PNG.
func (b *browser) shot() (raw []byte) {
	b.t.Helper()
	require.NoError(b.t, json.Unmarshal(b.do("shot", nil), &raw)) // base64
	return raw
}

// busy is for how many ms the page has kept a processor since it was opened, whatever else the machine does.
func (b *browser) busy() (ms float64) {
	b.t.Helper()
	require.NoError(b.t, json.Unmarshal(b.do("busy", nil), &ms))
	return ms
}

// heard is what the page has logged, and asked for.
func (b *browser) heard() (console, requests []string) {
	b.t.Helper()
	var h struct{ Console, Requests []string }
	require.NoError(b.t, json.Unmarshal(b.do("heard", nil), &h))
	return h.Console, h.Requests
}

// complaint is of axe-core.
type complaint struct {
	ID, Impact, Help string
	Nodes            []string
}

func (b *browser) axe() (all []complaint) {
	b.t.Helper()
	require.NoError(b.t, json.Unmarshal(b.do("axe", nil), &all))
	return all
}
