// Package terminal shows things to a person: pictures that are repainted in place, bars, and text
// from elsewhere that is made harmless.
package terminal

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"
)

// Width and Height are taken for those of a terminal that does not tell its size.
const (
	Width  = 76
	Height = 22
)

// Screen repaints a picture in place. Pictures are in ASCII: wider characters have no certain
// width in every console. One goroutine at a time may use it.
type Screen struct {
	out   io.Writer
	size  Sizer
	lines int // of the last picture
}

// Sizer tells how large a terminal is at the moment.
type Sizer func() (width, height int, err error)

// NewScreen returns nil if out is no terminal of at least that size that can be
// painted on. The name is that in TERM.
func NewScreen(out io.Writer, name string, width, height int) *Screen {
	f, ok := out.(*os.File)
	if !ok || !Is(out) || name == "dumb" {
		return nil
	}
	s := ScreenOf(out, func() (int, int, error) { return term.GetSize(int(f.Fd())) })
	if w, h, err := s.size(); err != nil || w < width || h < height {
		return nil
	}
	return s
}

// ScreenOf is a Screen on whatever understands the escapes of a terminal.
func ScreenOf(out io.Writer, size Sizer) *Screen { return &Screen{out: out, size: size} }

// Is says whether a person may be looking.
func Is(out io.Writer) bool {
	f, ok := out.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// WidthOf is how many columns the terminal has, or [Width] if it does not say.
func WidthOf(out io.Writer) int {
	if f, ok := out.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			return width
		}
	}
	return Width
}

// Paint replaces the last picture, with one write, so that nothing flickers. Lines that are too
// long are cut, and those that do not fit are counted. Its error is of the write.
func (s *Screen) Paint(picture []string) error {
	width, height, err := s.size()
	if err != nil {
		width, height = Width, Height
	}
	if len(picture) >= height { // the cursor cannot go up beyond the top
		more := len(picture) - (height - 2)
		picture = append(picture[:height-2:height-2], fmt.Sprintf("(%d more lines)", more))
	}
	var b strings.Builder
	if s.lines > 0 {
		b.WriteString(text.CursorUp.Sprintn(s.lines))
	}
	for len(picture) < s.lines { // wipe what was below
		picture = append(picture, "")
	}
	for _, line := range picture {
		b.WriteString("\r" + text.Trim(line, width-1) + text.EraseLine.Sprint() + "\n")
	}
	s.lines = len(picture)
	_, err = io.WriteString(s.out, b.String())
	return err
}

// Clear wipes the last picture, and leaves the cursor where that began.
func (s *Screen) Clear() {
	if s.lines > 0 {
		up := text.CursorUp.Sprintn(s.lines)
		_, _ = io.WriteString(s.out, up+strings.Repeat(text.EraseLine.Sprint()+"\n", s.lines)+up)
	}
}
