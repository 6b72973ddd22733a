package terminal

import (
	"io"
	"os"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"
)

// Full has the whole terminal, as less has it: what was there before is there again after Close. One goroutine at a
// time may use it.
type Full struct {
	out     io.Writer
	size    Sizer
	signals chan os.Signal
}

// What a terminal is told. Those that do not know one of these pass over it.
const (
	enterFull = "\x1b[?1049h\x1b[?25l\x1b[?7l" // the other screen, without cursor, and nothing wraps
	leaveFull = "\x1b[?7h\x1b[?25h\x1b[?1049l"

	beginFrame = "\x1b[?2026h\x1b[H" // shown at once when it ends; from the top
	endFrame   = "\x1b[?2026l"
	wipeBelow  = "\x1b[J"
	wipeRight  = "\x1b[K"
)

// OpenFull returns nil if out is no terminal that can be painted on. The name is that in TERM. Whoever gets one has
// to close it.
func OpenFull(out io.Writer, name string) (*Full, error) {
	f, ok := out.(*os.File)
	if !ok || !Is(out) || name == "dumb" {
		return nil, nil
	}
	return fullOf(out, func() (int, int, error) { return term.GetSize(int(f.Fd())) })
}

func fullOf(out io.Writer, size Sizer) (*Full, error) {
	f := &Full{out: out, size: size, signals: make(chan os.Signal, 4)}
	notifyOfScreen(f.signals)
	_, err := io.WriteString(out, enterFull)
	return f, err
}

// Close gives the terminal back.
func (f *Full) Close() error {
	stopNotifying(f.signals)
	_, err := io.WriteString(f.out, leaveFull)
	return err
}

// Changed tells that the picture may not fit any more, or has to make way: call Settle and paint again.
func (f *Full) Changed() <-chan os.Signal { return f.signals }

// Settle does what a signal of Changed asks for. If a person stops the process (Ctrl-Z), it returns when that goes
// on; until then the terminal is as it was.
func (f *Full) Settle(sig os.Signal) error {
	if !stops(sig) {
		return nil
	}
	if _, err := io.WriteString(f.out, leaveFull); err != nil {
		return err
	}
	stopMyself()
	_, err := io.WriteString(f.out, enterFull)
	return err
}

// Size of the terminal at the moment, or [Width] and [Height].
func (f *Full) Size() (width, height int) {
	width, height, err := f.size()
	if err != nil || width <= 0 || height <= 0 {
		return Width, Height
	}
	return width, height
}

// Paint shows lines in place of the last ones, with one write, so that nothing flickers. What does not fit is cut.
func (f *Full) Paint(lines []string) error {
	width, height := f.Size()
	var b strings.Builder
	b.WriteString(beginFrame)
	shown := lines[:min(len(lines), height)]
	for i, line := range shown {
		if i > 0 {
			b.WriteString("\r\n")
		}
		line = text.Trim(line, width)
		b.WriteString(line)
		// After a line that is full the cursor stands on its last character, which a wipe would take with it.
		if text.StringWidthWithoutEscSequences(line) < width {
			b.WriteString(wipeRight)
		}
	}
	if len(shown) > 0 && len(shown) < height {
		b.WriteString("\r\n")
	}
	if len(shown) < height {
		b.WriteString(wipeBelow)
	}
	b.WriteString(endFrame)
	_, err := io.WriteString(f.out, b.String())
	return err
}
