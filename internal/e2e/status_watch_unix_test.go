//go:build unix

package e2e

import (
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
)

// onTerminal is a process that has a terminal.
type onTerminal struct {
	t    *testing.T
	tty  *os.File
	cmd  *exec.Cmd
	seen redistest.Output // all that the terminal was told
	read chan struct{}    // closed at its end
}

func (w *site) onTerminal(columns, rows uint16, env []string, args ...string) *onTerminal {
	w.t.Helper()
	o := &onTerminal{t: w.t, cmd: exec.Command(binary, args...), read: make(chan struct{})}
	o.cmd.Env = append([]string{"HOME=" + w.dir, "TERM=xterm-256color"}, env...)
	var err error
	o.tty, err = pty.StartWithSize(o.cmd, &pty.Winsize{Cols: columns, Rows: rows})
	require.NoError(w.t, err)
	go func() {
		defer close(o.read)
		_, _ = io.Copy(&o.seen, o.tty) // until the process has ended
	}()
	w.t.Cleanup(func() {
		_ = o.cmd.Process.Kill()
		_ = o.tty.Close()
	})
	return o
}

// until waits for a picture, and returns it: the lines of the last frame that is whole, without colours.
func (o *onTerminal) until(what string) []string {
	o.t.Helper()
	var frame []string
	require.Eventually(o.t, func() bool {
		frame = lastFrame(o.seen.String())
		return strings.Contains(strings.Join(frame, "\n"), what)
	}, 20*time.Second, 10*time.Millisecond, "%q in %q", what, &o.seen)
	return frame
}

var (
	wholeFrame = regexp.MustCompile(`(?s)\x1b\[\?2026h\x1b\[H(.*?)(?:\r\n\x1b\[J)?\x1b\[\?2026l`)
	escapes    = regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]`)
	colours    = regexp.MustCompile(`\x1b\[[0-9;]*m`)
)

func lastFrame(seen string) []string {
	all := wholeFrame.FindAllStringSubmatch(seen, -1)
	if len(all) == 0 {
		return nil
	}
	text := strings.ReplaceAll(all[len(all)-1][1], "\r", "") // of which the kernel adds one
	return strings.Split(escapes.ReplaceAllString(text, ""), "\n")
}

// endsWell waits for the end, and looks at what the terminal is left with.
func (o *onTerminal) endsWell() {
	o.t.Helper()
	require.NoError(o.t, o.cmd.Wait())
	select {
	case <-o.read:
	case <-time.After(10 * time.Second):
		require.Fail(o.t, "the terminal is still held")
	}
	seen := o.seen.String()
	assert.True(o.t, strings.HasSuffix(seen, leftAsItWas), "%q", seen[max(0, len(seen)-200):])
	assert.Equal(o.t, strings.Count(seen, "\x1b[?1049h"), strings.Count(seen, "\x1b[?1049l"))
	assert.NotContains(o.t, seen, "secret-of-app")
}

// leftAsItWas: lines wrap, the cursor is there, and so is what stood on the screen before.
const leftAsItWas = "\x1b[?7h\x1b[?25h\x1b[?1049l"

// A person watches a service on a terminal, makes that narrower, stops and goes on, and ends it with Ctrl-C.
func TestStatusIsWatchedOnATerminal(t *testing.T) {
	t.Parallel()
	w := newSite(t, 50, 2*time.Hour)
	w.write("onetoken.yaml", w.configuration(""))
	r := w.start("onetoken.yaml")
	r.awaitReady()
	o := w.onTerminal(80, 24, nil, "status", "--watch", "--service", r.status)
	frame := o.until("All 50 credentials are well.")
	assert.LessOrEqual(t, len(frame), 24)
	assert.Regexp(t, `^and \d+ more: \d+ well$`, frame[len(frame)-1])
	assert.Contains(t, strings.Join(frame, "\n"), "CREDENTIAL  LIFE")
	assert.Regexp(t, colours, o.seen.String())

	require.NoError(t, pty.Setsize(o.tty, &pty.Winsize{Cols: 40, Rows: 12}))
	require.Eventually(t, func() bool {
		frame = lastFrame(o.seen.String())
		return len(frame) <= 12 && !strings.Contains(strings.Join(frame, "\n"), "LIFE")
	}, 20*time.Second, 10*time.Millisecond)
	for _, line := range frame {
		assert.LessOrEqual(t, len(line), 40, line)
	}

	// Ctrl-Z: the kernel tells the process that leads the terminal.
	_, err := o.tty.Write([]byte{0x1a})
	require.NoError(t, err)
	require.Eventually(t, func() bool { return strings.HasSuffix(o.seen.String(), leftAsItWas) }, 20*time.Second, 10*time.Millisecond)
	frames := len(wholeFrame.FindAllString(o.seen.String(), -1))
	require.Eventually(t, func() bool {
		_ = o.cmd.Process.Signal(syscall.SIGCONT) // again and again: the first may come before it has stopped
		return len(wholeFrame.FindAllString(o.seen.String(), -1)) > frames
	}, 20*time.Second, 10*time.Millisecond)

	// The service ends: what was known stays in sight.
	r.kill()
	assert.Contains(t, strings.Join(o.until("no service answers at"), "\n"), "All 50 credentials are well.")
	_, err = o.tty.Write([]byte{0x03}) // Ctrl-C
	require.NoError(t, err)
	o.endsWell()
}

// Without a service Redis is asked about the file's credentials; NO_COLOR switches colours off.
func TestStatusOfAFileIsWatchedOnATerminal(t *testing.T) {
	t.Parallel()
	w := newSite(t, 2, 2*time.Hour)
	path := w.write("onetoken.yaml", w.configuration(""))
	o := w.onTerminal(60, 24, []string{"NO_COLOR=1"}, "status", "--watch", "--config", path)
	o.until("2 of 2 credentials wait for a token.")
	r := w.start("onetoken.yaml")
	r.awaitReady()
	o.until("All 2 credentials are well.")
	w.redis.Kill()
	o.until("redis unreachable")
	w.redis.Restart()
	require.NoError(t, o.cmd.Process.Signal(syscall.SIGTERM))
	o.endsWell()
	assert.NotRegexp(t, colours, o.seen.String())
}

// A terminal that can do nothing gets blocks, as a pipe does.
func TestStatusIsWatchedOnADumbTerminal(t *testing.T) {
	t.Parallel()
	w := newSite(t, 1, 2*time.Hour)
	path := w.write("onetoken.yaml", w.configuration(""))
	o := w.onTerminal(60, 24, []string{"TERM=dumb"}, "status", "--watch", "--config", path)
	require.Eventually(t, func() bool { return strings.Contains(o.seen.String(), "The one credential waits for a token.") }, 20*time.Second, 10*time.Millisecond)
	_, err := o.tty.Write([]byte{0x03})
	require.NoError(t, err)
	require.NoError(t, o.cmd.Wait())
	assert.NotContains(t, o.seen.String(), "\x1b")
}
