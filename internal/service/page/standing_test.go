package page

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
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
		Name: name, Kind: "feishu", App: "cli_" + name, Answered: true, Usable: true,
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
func none(c *Credential)   { c.Usable, c.End, c.Refresh = false, time.Time{}, time.Time{} }
func off(c *Credential)    { none(c); c.Disabled = true }
func unborn(c *Credential) { none(c); c.Answered = false }

func TestStandingOf(t *testing.T) {
	for edge, c := range map[string]struct {
		of   Credential
		want standing
	}{
		"well":                             {good("a"), well},
		"in the window":                    {good("a", due), renewing},
		"in the window, and refused":       {good("a", due, with(refused)), needsYou},
		"in the window, and it passes":     {good("a", due, with(busy)), retrying},
		"redis alone":                      {good("a", with(redis)), well},
		"redis, and no token":              {good("a", none, with(redis)), noToken},
		"refused, and no token":            {good("a", none, with(refused)), noToken},
		"just begun":                       {good("a", unborn), awaited},
		"just rejected":                    {good("a", none), awaited},
		"begun in vain":                    {good("a", unborn, with(busy)), noToken},
		"changed":                          {good("a", withNewer(nil)), changing},
		"changed to what is refused":       {good("a", withNewer(refused)), needsYou},
		"changed, and nobody answers":      {good("a", withNewer(busy)), retrying},
		"disabled":                         {good("a", off), disabled},
		"disabled, whatever was before it": {good("a", off, with(refused)), disabled},
	} {
		assert.Equal(t, c.want.Label(), standingOf(c.of).Label(), edge)
	}
}

func TestWorstFirst(t *testing.T) {
	all := []Credential{good("z"), good("off", off), good("a"), good("busy", due, with(busy)), good("refused", due, with(refused)), good("none", none, with(busy))}
	var names []string
	for _, c := range worstFirst(all) {
		names = append(names, c.Name)
	}
	assert.Equal(t, []string{"none", "refused", "busy", "a", "z", "off"}, names)
	assert.Equal(t, "z", all[0].Name, "what was given stays")
}

// Each standing is in exactly one of the filter's choices, but for that of all.
func TestGroups(t *testing.T) {
	for s := range standings {
		in := 0
		for _, g := range groups[1:] {
			if g.holds(standing(s)) {
				in++
			}
		}
		assert.Equal(t, 1, in, standing(s).Label())
		assert.NotEmpty(t, groupOf(standing(s)))
	}
}
