package main

import (
	"strings"
	"testing"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/internal/statusjson"
	"github.com/onetoken-go/onetoken/internal/terminal"
	"github.com/onetoken-go/onetoken/tokencache"
)

// worst is a credential of which there is much to say.
func worst() tokencache.Status {
	return tokencache.Status{
		App: "cli_0123456789abcdef", ID: "feishu:cli_0123456789abcdef:0123456789abcdef", State: "urgent",
		Remaining: 119*time.Minute + 59*time.Second, Life: 2 * time.Hour, FetchedBy: "web-7", FetchedAt: time.Unix(1, 0),
		Garbled: strings.Repeat("words ", 30), Locked: 4200 * time.Millisecond, FailedBy: "web-9", Attempts: 3, RetryIn: 95 * time.Second,
		Failure: &tokencache.IssuerError{Code: 1, Message: strings.Repeat("无效 ", 40), LogID: "202611251037346UZ4TRM2Z5UBXJ6PKU", Class: tokencache.ClassPermanent},
	}
}

// statusWidth is that of the least terminal.
const statusWidth = 40

func TestStatusFitsTheLeastTerminal(t *testing.T) {
	t.Parallel()
	for _, width := range []int{statusWidth, 60, terminal.Width, 200} {
		v := statusView{prefix: "onetoken", ours: worst().ID, drawn: true}.on(width)
		for _, line := range v.lines([]tokencache.Status{worst()}) {
			assert.LessOrEqual(t, text.StringWidthWithoutEscSequences(line), width-1, line)
			assert.NotContains(t, line, "\n")
		}
	}
}

// Two credentials of an app differ in the digest alone; and what does not fit is at the cost
// of the digest, of which a row then has the beginning, then of the bar, at last of the middle of
// the app's id, never of a figure.
func TestStatusTellsCredentialsOfAnAppApart(t *testing.T) {
	t.Parallel()
	one, two := worst(), worst()
	two.ID = "feishu:cli_0123456789abcdef:fedcba9876543210"
	long := one
	long.Remaining, long.Life = 11*time.Hour+59*time.Minute+59*time.Second, 12*time.Hour
	assert.Equal(t, "  left     11h59m59s of 12h0m0s", (statusView{drawn: true}).on(36).lines([]tokencache.Status{long})[1], "a bar of 1 tells nothing")
	assert.Equal(t, []string{"20 onetoken", "0123456789a", "bcdef x"}, (statusView{drawn: true}).wrapped("20  onetoken 0123456789abcdef x", 11), "no word is lost")
	assert.NotEmpty(t, (statusView{drawn: true}).on(1).lines([]tokencache.Status{long}))
	for width, want := range map[int][]string{
		statusWidth: {
			"cli_0123456789abcdef  urgent  (ours)", "feishu:cli_0123456789abcdef  urgent", "  digest   01234567", "  digest   fedcba98",
			"  left     [###### ] 1h59m59s of 2h0m0s",
		},
		50: {
			"feishu:cli_0123456789abcdef  urgent  (ours)", "  digest   01234567", "feishu:cli_0123456789abcdef:fedcba9876...  urgent",
			"  left     [################ ] 1h59m59s of 2h0m0s",
		},
		100: {
			one.ID + "  urgent  (of this environment)", two.ID + "  urgent",
			"  left     [####################################### ] 1h59m59s of 2h0m0s",
		},
	} {
		var lines []string
		for _, line := range (statusView{ours: one.ID, drawn: true}).on(width).lines([]tokencache.Status{one, two}) {
			lines = append(lines, text.StripEscape(line))
		}
		for _, line := range want {
			assert.Contains(t, lines, line, width)
		}
	}
	one.State, two.State = tokencache.StateAbsent, tokencache.StateAbsent
	none := judge{}.verdict([]tokencache.Status{one, two})
	assert.ErrorContains(t, none, "no usable token of 2 credentials; of cli_0123456789abcdef (01234567): ")
	two.App = "cli_other"
	none = judge{}.verdict([]tokencache.Status{one, two})
	assert.ErrorContains(t, none, "no usable token of 2 credentials; of cli_0123456789abcdef: ")
}

func TestStatusBar(t *testing.T) {
	t.Parallel()
	for left, filled := range map[time.Duration]int{0: 0, time.Minute: 0, time.Hour: 20, 2 * time.Hour: 40, 3 * time.Hour: 40} {
		st := tokencache.Status{State: "fresh", Remaining: left, Life: 2 * time.Hour}
		assert.Equal(t, "["+strings.Repeat("#", filled)+strings.Repeat(" ", 40-filled)+"] ",
			text.StripEscape(statusView{drawn: true, width: terminal.Width}.bar(st, 8)), left)
	}
	assert.Empty(t, statusView{width: terminal.Width}.bar(worst(), 8), "numbers alone in a pipe")
}

// An id gives way from its end, and the app's only where nothing else is left.
func TestStatusShortensTheDigestFirst(t *testing.T) {
	t.Parallel()
	const app, digest = "cli_0123456789abcdef", "645af92ab52243be8678046c42067b8f"
	for width, want := range map[int]string{
		60: "feishu:" + app + ":" + digest,
		59: "feishu:" + app + ":" + digest[:28] + "...",
		35: "feishu:" + app + ":" + digest[:4] + "...",
		34: "feishu:" + app,
		27: "feishu:" + app,
		26: app,
		20: app,
		19: "cli_0123...89abcdef",
		9:  "cli...def",
	} {
		got, _ := fitted("feishu:"+app+":"+digest, len(digest), width)
		assert.Equal(t, want, got, width)
	}
	st := worst()
	st.ID, st.App = "feishu:"+app+":"+digest, app
	for _, width := range []int{statusWidth, 50, 60, 80} {
		for _, ours := range []string{"", st.ID} {
			title := text.StripEscape((statusView{ours: ours, drawn: true}).on(width).lines([]tokencache.Status{st})[0])
			assert.Contains(t, title, app, width)
			assert.LessOrEqual(t, len(title), width-1)
		}
	}
}

// Who has no token, and who is in trouble, is seen first, and what is out of sight is counted.
func TestStatusShowsTroubleFirst(t *testing.T) {
	t.Parallel()
	var all []tokencache.Status
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		all = append(all, tokencache.Status{App: "cli_" + name, ID: "feishu:cli_" + name + ":00", State: tokencache.StateFresh, Remaining: time.Hour, Life: 2 * time.Hour})
	}
	all[2].State = tokencache.StateUrgent
	all[3].State, all[3].Failure = tokencache.StateDue, &tokencache.IssuerError{Message: "no"}
	all[4].Failure = all[3].Failure // which is over: the token is fresh
	all[5].State, all[5].Life = tokencache.StateAbsent, 0
	order := func(lines []string) (apps string) {
		for _, line := range lines {
			if id, ok := strings.CutPrefix(line, "feishu:cli_"); ok {
				apps += id[:1]
			}
		}
		return apps
	}
	view := statusView{prefix: "p", drawn: true}.on(100)
	assert.Equal(t, "fcdabe", order(view.lines(all)))
	assert.Equal(t, "fcdabe", order(statusView{}.lines(all)), "in a pipe, too")
	assert.Equal(t, "cli_a", statusjson.Of(all[0]).AppID, "and nothing is moved for JSON")
}
