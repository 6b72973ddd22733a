package cast

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/terminal"
)

// shown returns the frames of a program's output. Each read takes a second.
func shown(t *testing.T, reader io.Reader) []Frame {
	t.Helper()
	var now time.Duration
	frames, err := watch(reader, func() time.Duration {
		now += time.Second
		return now
	})
	require.NoError(t, err)
	return frames
}

func texts(f Frame) (all []string) {
	for _, row := range f.Rows {
		all = append(all, row.String())
	}
	return all
}

// watch understands a Screen, wherever its reads end.
func TestReadsWhatAScreenPaints(t *testing.T) {
	var painted bytes.Buffer
	s := terminal.ScreenOf(&painted, func() (int, int, error) { return columns, lines, nil })
	require.NoError(t, s.Paint([]string{"first", "  a long line"}))
	require.NoError(t, s.Paint([]string{"second", "  b"}))
	s.Clear()
	painted.WriteString("the end\n")
	sent := strings.ReplaceAll(painted.String(), "\n", "\r\n") // as the kernel does
	for name, reader := range map[string]io.Reader{
		"at once":        strings.NewReader(sent),
		"a byte a read":  iotest.OneByteReader(strings.NewReader(sent)),
		"half of a read": iotest.HalfReader(strings.NewReader(sent)),
	} {
		t.Run(name, func(t *testing.T) {
			frames := shown(t, reader)
			require.Len(t, frames, 4)
			assert.Equal(t, []string{"first", "  a long line"}, texts(frames[0]))
			assert.Equal(t, []string{"second", "  b"}, texts(frames[1]), "nothing of the first is left")
			assert.Empty(t, texts(frames[2]))
			assert.Equal(t, []string{"the end"}, texts(frames[3]))
		})
	}
}

func TestStyles(t *testing.T) {
	text.EnableColors()
	line := "a " + text.Bold.Sprint("b c") + " " + text.Faint.Sprint("d") + text.FgRed.Sprint("e") + text.FgGreen.Sprint("f") + text.FgYellow.Sprint("g") + "  "
	frames := shown(t, strings.NewReader(line))
	require.Len(t, frames, 1)
	assert.Equal(t, []Row{{{0, "a "}, {Bold, "b c "}, {Faint, "d"}, {Red, "e"}, {Green, "f"}, {Yellow, "g"}}}, frames[0].Rows)
}

func TestWhatNoScreenOfOursShowsIsAnError(t *testing.T) {
	for edge, written := range map[string]string{
		"another colour":      "\x1b[35mx",
		"the whole screen":    "\x1b[2J",
		"all of the line":     "\x1b[2K",
		"not ASCII":           "é",
		"a tab":               "\tx",
		"above the top":       "x\n\x1b[2A",
		"up by nothing known": "x\n\x1b[A",
		"cut off":             "x\x1b[3",
		"no sequence":         "\x1bc",
	} {
		t.Run(edge, func(t *testing.T) {
			frames, err := watch(strings.NewReader(written), func() time.Duration { return 0 })
			if edge == "cut off" {
				require.NoError(t, err, "its rest may have yet to come, and never did")
				assert.Equal(t, []string{"x"}, texts(frames[0]))
				return
			}
			assert.Error(t, err)
		})
	}
}

// A frame is as old as the last that was written of it, not as the first of the next.
func TestFramesHaveTheMomentAtWhichTheyWereWhole(t *testing.T) {
	frames := shown(t, io.MultiReader(strings.NewReader("one\n"), strings.NewReader("\x1b[1A\rtwo"), strings.NewReader(" and a half")))
	require.Len(t, frames, 2)
	assert.Equal(t, Frame{time.Second, []Row{{{0, "one"}}}}, frames[0])
	assert.Equal(t, Frame{3 * time.Second, []Row{{{0, "two and a half"}}}}, frames[1])
}
