package glance_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/glance"
)

var update = flag.Bool("update", false, "write the frames in testdata anew: look at them before you commit them")

var now = time.Date(2026, 11, 25, 10, 37, 34, 0, time.UTC)

// calm is a board on which all is well.
func calm() glance.Board {
	b := glance.Board{
		Where: "service http://127.0.0.1:8080", Version: "v1.2.3 (go1.26, linux/amd64)", Now: now,
		Redis:  glance.Redis{Since: now.Add(-26 * time.Hour)},
		Config: glance.Config{LoadedAt: now.Add(-90 * time.Minute)},
		Doors:  []glance.Door{{Name: "tokens", Requests: 12345, Refused: 3}},
		Events: []glance.Event{
			{At: now.Add(-time.Minute), Kind: "rotation", Credential: "crm", Text: "a new token, which lives another 2 h"},
			{At: now.Add(-time.Hour), Kind: "takeover", Credential: "m2m", Text: "the lock was taken after another holder had let it run out"},
			{At: now.Add(-90 * time.Minute), Kind: "reload", Text: "the configuration is loaded"},
		},
	}
	for i, name := range []string{"crm", "m2m", "reports-of-the-night"} {
		left := 2*time.Hour - time.Duration(i*35+1)*time.Minute
		b.Credentials = append(b.Credentials, glance.Credential{
			Name: name, Usable: true, Left: left, Life: 2 * time.Hour, Window: 30 * time.Minute, Refresh: left - 32*time.Minute,
			FetchedBy: "web-7", FetchedAt: now.Add(left - 2*time.Hour),
		})
	}
	return b
}

// trouble is one with something of everything.
func trouble() glance.Board {
	b := calm()
	b.Redis = glance.Redis{Degraded: true, Since: now.Add(-5 * time.Minute), Trouble: "unreachable", Advice: "check the address and that redis runs"}
	b.Config.Error = "onetoken.yaml:7:5: credentials[2].kind: \"feishuu\" is not known: did you mean feishu?"
	b.Credentials[0].Problem = &glance.Problem{
		Text: "feishu refused: app secret invalid (code 10014, log id 202611251037346UZ4TRM2Z5UBXJ6PKU)", Advice: "check the app id and the app secret",
		NeedsPerson: true, Retry: 55 * time.Second, Attempts: 3, By: "web-9",
	}
	b.Credentials[1].Usable, b.Credentials[1].Left, b.Credentials[1].Refresh = false, 0, 0
	b.Credentials[1].Problem = &glance.Problem{Text: "feishu: no answer: connection refused", Advice: "check the base URL", Retry: 4 * time.Second}
	b.Credentials[2].Newer = &glance.Newer{Problem: &glance.Problem{Text: "feishu refused: \u65e0\u6548\u7684 secret", NeedsPerson: true}}
	return glance.Board{
		Where: b.Where, Version: b.Version, Now: b.Now, Redis: b.Redis, Config: b.Config, Doors: b.Doors, Events: b.Events,
		Credentials: append(b.Credentials,
			glance.Credential{Name: "ends-soon", Usable: true, Urgent: true, Due: true, Left: 4 * time.Minute, Life: 2 * time.Hour, Window: 30 * time.Minute},
			glance.Credential{Name: "retried", Usable: true, Due: true, Left: 14 * time.Minute, Life: 2 * time.Hour, Window: 30 * time.Minute, Problem: &glance.Problem{Text: "feishu refused: internal error (code 5000)", Retry: 9 * time.Second}},
			glance.Credential{Name: "renewing", Usable: true, Due: true, Left: 29 * time.Minute, Life: 2 * time.Hour, Window: 30 * time.Minute},
			glance.Credential{Name: "begun"},
			glance.Credential{Name: "asleep", Disabled: true},
		),
	}
}

// crowd has so many that most do not fit.
func crowd() glance.Board {
	b := trouble()
	for i := range 43 {
		c := calm().Credentials[i%3]
		c.Name = fmt.Sprintf("app-%02d", i)
		b.Credentials = append(b.Credentials, c)
	}
	return b
}

func TestFrames(t *testing.T) {
	t.Parallel()
	blind := glance.Board{Where: "service http://127.0.0.1:8080", Now: now, Stale: "no service answers at http://127.0.0.1:8080: connection refused: start it, or give the address of its status.listen"}
	stale := calm()
	stale.Stale = blind.Stale + " (what follows was so at 10:37:34Z)"
	for name, b := range map[string]glance.Board{
		"calm": calm(), "trouble": trouble(), "crowd": crowd(), "blind": blind, "stale": stale, "nothing": {Where: "credentials of onetoken.yaml", Now: now},
	} {
		for _, size := range []glance.Size{{Width: 80, Height: 40}, {Width: 80, Height: 24}, {Width: 60, Height: 24}, {Width: 40, Height: 24}, {}} {
			file := fmt.Sprintf("%s-%dx%d.txt", name, size.Width, size.Height)
			t.Run(file, func(t *testing.T) {
				t.Parallel()
				lines := b.Lines(size, false)
				got := strings.Join(lines, "\n") + "\n"
				path := filepath.Join("testdata", file)
				if *update {
					require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
				}
				want, err := os.ReadFile(path)
				require.NoError(t, err)
				assert.Equal(t, string(want), got)
				var bare []string
				for _, line := range b.Lines(size, true) {
					bare = append(bare, text.StripEscape(line))
				}
				assert.Equal(t, lines, bare, "colours change nothing else")
			})
		}
	}
}

// Whatever the size, nothing goes beyond it, and a line about the others stands at the end where not all are shown.
func TestFramesFitEverySize(t *testing.T) {
	t.Parallel()
	for name, b := range map[string]glance.Board{"calm": calm(), "trouble": trouble(), "crowd": crowd()} {
		for width := 1; width <= 130; width += 1 + width/10 {
			for _, height := range []int{1, 6, 12, 24, 60} {
				lines := b.Lines(glance.Size{Width: width, Height: height}, true)
				require.LessOrEqual(t, len(lines), height, "%s at %d x %d", name, width, height)
				for _, line := range lines {
					require.LessOrEqual(t, text.StringWidthWithoutEscSequences(line), width, "%s at %d x %d: %q", name, width, height, line)
				}
			}
		}
	}
	lines := crowd().Lines(glance.Size{Width: 80, Height: 24}, false)
	assert.Regexp(t, `^and \d+ more: `, lines[len(lines)-1])
}

func TestColoursAreThoseOfTheState(t *testing.T) {
	t.Parallel()
	assert.Contains(t, strings.Join(calm().Lines(glance.Size{Width: 80, Height: 24}, true), "\n"), text.FgGreen.EscapeSeq()+"Well")
	assert.Contains(t, strings.Join(trouble().Lines(glance.Size{Width: 80, Height: 24}, true), "\n"), text.FgRed.EscapeSeq()+"No token")
	assert.NotContains(t, strings.Join(trouble().Lines(glance.Size{Width: 80, Height: 24}, false), "\n"), "\x1b")
}

// What a service, an issuer or somebody in Redis has written moves no cursor.
func TestForeignWordsAreHarmless(t *testing.T) {
	t.Parallel()
	b, spite := trouble(), "x\x1b[2J\n\u009by\a"
	b.Where, b.Version, b.Stale, b.Redis.Trouble, b.Redis.Advice, b.Config.Error = spite, spite, spite, spite, spite, spite
	b.Doors[0].Name = spite
	for i := range b.Events {
		b.Events[i] = glance.Event{At: now, Kind: spite, Credential: spite, Text: spite}
	}
	for i := range b.Credentials {
		b.Credentials[i].Name, b.Credentials[i].FetchedBy = spite, spite
		b.Credentials[i].Problem = &glance.Problem{Text: spite, Advice: spite, By: spite}
		b.Credentials[i].Newer = &glance.Newer{Problem: &glance.Problem{Text: spite, Advice: spite}}
	}
	for _, size := range []glance.Size{{}, {Width: 80, Height: 60}} {
		for _, line := range b.Lines(size, false) {
			for _, r := range line {
				require.True(t, r >= ' ' && r != 0x7f && r != 0x9b, "%q", line)
			}
		}
	}
}

// For a pipe each complaint about the file is told apart, and a line has no part that is not known.
func TestLinesOfAPipe(t *testing.T) {
	t.Parallel()
	lines := glance.Board{
		Config: glance.Config{Error: "f:1:1: a: is missing\nf:2:1: b: is none"},
		Credentials: []glance.Credential{
			{Name: "a", Usable: true, Left: time.Minute, Life: time.Hour, Refresh: 30 * time.Second},
			{Name: "b", Usable: true, Refresh: 30 * time.Second},
		},
	}.Lines(glance.Size{}, false)
	assert.Contains(t, lines, "The configuration in the file is refused, and the one before is in use: f:1:1: a: is missing; f:2:1: b: is none")
	assert.Contains(t, lines, "Well          a  60 s of 60 min left, refreshes in 30 s")
	assert.Contains(t, lines, "Well          b  refreshes in 30 s")
}
