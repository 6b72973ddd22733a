package page

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func (s *snapshot) updateSince(t *testing.T, look uint64) (u update) {
	t.Helper()
	text, err := s.since(look, "run.7")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &u))
	return u
}

func changedIn(u update) []string { return slices.Sorted(maps.Keys(u.HTML)) }

// Only what has changed since a browser's look is drawn, and sent, again.
func TestUpdatesHaveWhatHasChanged(t *testing.T) {
	v := View{Now: now, Credentials: []Credential{good("a"), good("b")}}
	first := (&snapshot{}).after(v)
	all := first.updateSince(t, 0)
	assert.Equal(t, []string{"c-a", "c-b", "facts", "headline", "timeline"}, changedIn(all))
	assert.Equal(t, []string{"c-a", "c-b"}, all.Order)
	assert.Equal(t, map[string]int{"": 2, "trouble": 0, "moving": 0, "well": 2, "disabled": 0}, all.Count)
	assert.Equal(t, now.UnixMilli(), all.Now)

	later := v
	later.Now = now.Add(3 * time.Second)
	second := first.after(later)
	u := second.updateSince(t, first.look)
	assert.Empty(t, changedIn(u), "time alone is no change")
	assert.Empty(t, u.Order)
	assert.Equal(t, later.Now.UnixMilli(), u.Now)

	troubled := later
	troubled.Credentials = []Credential{good("a"), good("b", with(refused))}
	third := second.after(troubled)
	u = third.updateSince(t, second.look)
	assert.Equal(t, []string{"c-b", "headline"}, changedIn(u))
	assert.Equal(t, []string{"c-b", "c-a"}, u.Order, "the worst first")
	assert.Equal(t, "bad", u.Tone)
	assert.Equal(t, "(1) in trouble · onetoken", u.Title)
	assert.Equal(t, u, third.updateSince(t, first.look), "who has missed one gets it")

	fewer := troubled
	fewer.Credentials = []Credential{good("a")}
	u = third.after(fewer).updateSince(t, third.look)
	assert.Equal(t, []string{"headline"}, changedIn(u))
	assert.Equal(t, []string{"c-a"}, u.Order, "what is not in it is gone")
}

// Moments that were worked out from what is left until then differ by what the working out takes.
func TestMomentsDoNotFlutter(t *testing.T) {
	v := View{Now: now, Credentials: []Credential{good("a", with(busy), withNewer(busy), func(c *Credential) { c.Clients = []Client{{"web", "tokens", now}} })}}
	s := (&snapshot{}).after(v)
	shifted := func(by time.Duration) View {
		p := *busy
		p.Retry = p.Retry.Add(by)
		return View{Now: now, Credentials: []Credential{good("a", with(&p), withNewer(&p), func(c *Credential) {
			c.End, c.Refresh, c.Clients = c.End.Add(by), c.Refresh.Add(-by), []Client{{"web", "tokens", now.Add(by)}}
		})}}
	}
	same := s.after(shifted(flutter - 1))
	assert.Empty(t, changedIn(same.updateSince(t, s.look)))
	for range 10 { // nor does it creep
		same = same.after(shifted(flutter - 1))
	}
	assert.Equal(t, v.Credentials[0].End, same.view.Credentials[0].End)
	other := s.after(shifted(flutter))
	assert.Equal(t, []string{"c-a", "headline"}, changedIn(other.updateSince(t, s.look)))
	assert.Equal(t, *busy, *v.Credentials[0].Problem, "what was given stays")
	assert.Equal(t, *busy, *v.Credentials[0].Newer.Problem)
}

func TestTimelineOnThePageIsBounded(t *testing.T) {
	v := View{Now: now, Incidents: make([]Incident, incidentsShown+10)}
	for i := range v.Incidents {
		v.Incidents[i] = Incident{At: now, Kind: "rotation", Credential: "a"}
	}
	s := (&snapshot{}).after(v)
	v.Incidents = v.Incidents[:incidentsShown]
	assert.Empty(t, changedIn(s.after(v).updateSince(t, s.look)))
}
