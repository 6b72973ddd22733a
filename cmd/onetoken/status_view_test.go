package main

import (
	"strings"
	"testing"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/tokencache"
)

// worst is a credential of which there is much to say.
func worst() tokencache.Status {
	return tokencache.Status{
		App: "cli_0123456789abcdef", Key: "feishu:cli_0123456789abcdef:0123456789abcdef", State: "urgent",
		Remaining: 119*time.Minute + 59*time.Second, Life: 2 * time.Hour, FetchedBy: "web-7", FetchedAt: time.Unix(1, 0),
		Garbled: strings.Repeat("words ", 30), Locked: 4200 * time.Millisecond, FailedBy: "web-9", Attempts: 3, RetryIn: 95 * time.Second,
		Failure: &tokencache.IssuerError{Code: 1, Message: strings.Repeat("无效 ", 40), LogID: "202611251037346UZ4TRM2Z5UBXJ6PKU", Class: tokencache.ClassPermanent},
	}
}

func TestStatusPictureFitsTheLeastTerminal(t *testing.T) {
	t.Parallel()
	v := statusView{prefix: "onetoken", ours: worst().Key, drawn: true}
	for _, line := range append(v.picture([]tokencache.Status{worst()}), v.trouble(strings.Repeat("redis is down ", 20))...) {
		assert.LessOrEqual(t, text.StringWidthWithoutEscSequences(line), minWidth-1, line)
		assert.NotContains(t, line, "\n")
	}
}

func TestStatusBar(t *testing.T) {
	t.Parallel()
	for left, filled := range map[time.Duration]int{0: 0, time.Minute: 0, time.Hour: 20, 2 * time.Hour: 40, 3 * time.Hour: 40} {
		st := tokencache.Status{State: "fresh", Remaining: left, Life: 2 * time.Hour}
		assert.Equal(t, "["+strings.Repeat("#", filled)+strings.Repeat(" ", 40-filled)+"] ",
			text.StripEscape(statusView{drawn: true}.bar(st)), left)
	}
	assert.Empty(t, statusView{}.bar(worst()), "numbers alone in a pipe")
}

// A picture that shrinks leaves nothing behind, and one that is too tall is cut.
func TestScreenOfChangingHeight(t *testing.T) {
	t.Parallel()
	var out output
	s := &screen{out: &out, size: func() (int, int, error) { return minWidth, 5, nil }}
	require.NoError(t, s.paint([]string{"1", "2", "3"}))
	seen := out.String()
	require.NoError(t, s.paint([]string{"1"}))
	assert.Equal(t, 3, strings.Count(strings.TrimPrefix(out.String(), seen), text.EraseLine.Sprint()))
	seen = out.String()
	require.NoError(t, s.paint([]string{"1", "2", "3", "4", "5", "6"}))
	now := strings.TrimPrefix(out.String(), seen)
	assert.Equal(t, 4, strings.Count(now, "\n"))
	assert.Contains(t, now, "(3 more lines)")
}
