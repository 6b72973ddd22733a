// Package cast makes a moving picture, in SVG, of a program on a terminal. Record runs the program and keeps the
// frames of its terminal (screen.go), Thin drops most of them, Draw writes the picture, and Lines reads its text back.
// The command in cmd makes docs/demo.svg of `onetoken demo`.
package cast

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/creack/pty"
)

// The size of the terminal.
const (
	columns = 80
	lines   = 24
)

// Frame is a terminal's content from a moment on.
type Frame struct {
	At   time.Duration // since the program was started
	Rows []Row
}

// Record runs a program on a terminal of 80 columns, with nothing but TERM in its environment, and returns the frames
// to the end. A program that fails is an error, and so is an escape that screen.go does not know.
func Record(ctx context.Context, name string, args ...string) ([]Frame, error) {
	ctx, kill := context.WithCancel(ctx)
	defer kill()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = []string{"TERM=xterm-256color"}
	begun := time.Now()
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: columns, Rows: lines})
	if err != nil {
		return nil, err
	}
	defer tty.Close() //nolint:errcheck // the program has ended
	frames, err := watch(tty, func() time.Duration { return time.Since(begun) })
	if err != nil {
		kill() // there is nothing to see any more
	}
	return frames, errors.Join(err, cmd.Wait())
}

// watch reads until the program has ended, and keeps each frame with the moment at which it was whole.
func watch(tty io.Reader, now func() time.Duration) (frames []Frame, err error) {
	var s screen
	keep := func() { frames = append(frames, s.frame()) }
	block := make([]byte, 64<<10)
	var cut string // an escape whose rest has yet to come
	for {
		n, err := tty.Read(block)
		text := cut + string(block[:n])
		cut = ""
		if i := strings.LastIndexByte(text, '\x1b'); i >= 0 && !strings.ContainsFunc(text[i:], isLetter) {
			text, cut = text[:i], text[i:]
		}
		s.now = now()
		if err := s.write(text, keep); err != nil {
			return frames, err
		}
		if errors.Is(err, io.EOF) || errors.Is(err, syscall.EIO) { // how Linux says that the program has ended
			keep()
			return frames, nil
		}
		if err != nil {
			return frames, fmt.Errorf("the terminal: %w", err)
		}
	}
}

// Thin keeps a frame a step, the last, and each in which more than figures and bars have changed. It drops frames that
// lasted no millisecond, such as the empty one when a program wipes its picture and prints a summary.
func Thin(frames []Frame, step time.Duration) (kept []Frame) {
	for i, f := range frames {
		gone := i+1 < len(frames) && frames[i+1].At-f.At < time.Millisecond
		if gone {
			continue
		}
		last := len(kept) - 1
		if last < 0 || f.At-kept[last].At >= step || i == len(frames)-1 || outline(f) != outline(kept[last]) {
			kept = append(kept, f)
		}
	}
	return kept
}

// outline is a frame's text without figures and bars.
func outline(f Frame) string {
	var b strings.Builder
	for _, row := range f.Rows {
		b.WriteString(strings.Map(func(r rune) rune {
			if strings.ContainsRune("0123456789# ", r) {
				return -1
			}
			return r
		}, row.String()))
		b.WriteByte('\n')
	}
	return b.String()
}
