package page

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/internal/standing"
)

var (
	now     = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	refused = &Problem{Text: "feishu refused: app secret invalid", Advice: "check the app secret", NeedsPerson: true, Since: now.Add(-time.Minute), Retry: now.Add(time.Minute)}
	busy    = &Problem{Text: "feishu answered: busy", Retry: now.Add(10 * time.Second)}
	redis   = &Problem{Text: "redis timeout", Redis: true}
)

// good is a credential that is well; changes make it another.
func good(name string, changes ...func(*Credential)) Credential {
	c := Credential{
		Name: name, Kind: "feishu", App: "cli_" + name, Usable: true,
		End: now.Add(time.Hour), Life: 2 * time.Hour, Window: 30 * time.Minute, Refresh: now.Add(31 * time.Minute),
		FetchedBy: "host-7", FetchedAt: now.Add(-time.Hour), Calls: 3,
	}
	for _, change := range changes {
		change(&c)
	}
	return c
}

func with(p *Problem) func(*Credential) { return func(c *Credential) { c.Problem = p } }
func withNewer(p *Problem) func(*Credential) {
	return func(c *Credential) { c.Newer = &Newer{Since: now.Add(-time.Minute), Problem: p} }
}
func due(c *Credential)    { c.Refresh = time.Time{} }
func urgent(c *Credential) { c.Urgent = true }
func none(c *Credential)   { c.Usable, c.End, c.Refresh = false, time.Time{}, time.Time{} }
func off(c *Credential)    { none(c); c.Disabled = true }

// What the page is given of a credential are the facts that it is judged by: the rules are tested in internal/standing.
func TestStandingOf(t *testing.T) {
	for edge, c := range map[string]struct {
		of   Credential
		want standing.Standing
	}{
		"well":                        {good("a"), standing.Well},
		"in the window":               {good("a", due), standing.Renewing},
		"in the window, and refused":  {good("a", due, with(refused)), standing.NeedsYou},
		"at the end of the window":    {good("a", due, urgent), standing.Ending},
		"redis alone":                 {good("a", with(redis)), standing.Well},
		"redis, and no token":         {good("a", none, with(redis)), standing.NoToken},
		"just begun":                  {good("a", none), standing.Awaited},
		"no answer any more":          {good("a", none, func(c *Credential) { c.Answered = true }), standing.NoToken},
		"changed":                     {good("a", withNewer(nil)), standing.Changing},
		"changed to what is refused":  {good("a", withNewer(refused)), standing.NeedsYou},
		"changed, and nobody answers": {good("a", withNewer(busy)), standing.Retrying},
		"disabled":                    {good("a", off), standing.Disabled},
	} {
		assert.Equal(t, c.want.Label(), standingOf(c.of).Label(), edge)
	}
}
