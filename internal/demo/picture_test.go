package demo

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/terminal"
	"github.com/onetoken-go/onetoken/tokencache"
)

func TestPictureFitsTheLeastTerminal(t *testing.T) {
	t.Parallel()
	for _, replicas := range []int{1, 50, 60, 61, MaxReplicas} {
		now := good()
		now.config.Replicas, now.config.Life, now.config.Length = replicas, MaxLife, 2*MaxLife
		now.elapsed = now.config.Length
		now.killed.replica, now.takeover.replica, now.last = replicas, replicas+1, moment{replicas, time.Now().Add(-MaxLife)}
		now.takeover.at = now.killed.at.Add(30 * time.Second)
		now.gets = 1 << 36
		now.newest = tokencache.NewToken("a", "t", now.config.Life)
		now.cells = strings.Repeat("o", replicas)
		lines := (&picture{}).lines(now)
		assert.LessOrEqual(t, len(lines), terminal.Height)
		for _, line := range lines {
			assert.LessOrEqual(t, text.StringWidthWithoutEscSequences(line), terminal.Width-1, line)
		}
	}
}

func TestPictureIsRepaintedInPlace(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := &picture{screen: terminal.ScreenOf(&out, func() (int, int, error) { return terminal.Width, terminal.Height, nil })}
	require.NoError(t, p.show(good()))
	first := out.String()
	lines := strings.Count(first, "\n")
	require.NoError(t, p.show(good()))
	second := strings.TrimPrefix(out.String(), first)
	assert.True(t, strings.HasPrefix(second, text.CursorUp.Sprintn(lines)))
	assert.Equal(t, lines, strings.Count(second, "\n"))
	for line := range strings.Lines(second) {
		assert.LessOrEqual(t, text.StringWidthWithoutEscSequences(strings.TrimRight(line, "\n")), terminal.Width-1)
	}
}
