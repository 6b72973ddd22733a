package service

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/vault"
	"github.com/onetoken-go/onetoken/tokencache"
)

// What is left is that of the token which is handed out, wherever it came from.
func TestReportTellsOfTheTokenAtHand(t *testing.T) {
	t.Parallel()
	by, at := "another", time.Unix(1e9, 0)
	stored := func(state tokencache.State, left time.Duration) tokencache.Status {
		return tokencache.Status{ID: "id", State: state, Remaining: left, Life: time.Hour, FetchedBy: by, FetchedAt: at}
	}
	plan := tokencache.Schedule{Remaining: 90 * time.Minute, Life: 2 * time.Hour, Refresh: time.Hour}
	due := plan
	due.Refresh = 0
	own := tokencache.Status{ID: "id", State: tokencache.StateFresh, Remaining: plan.Remaining, Life: plan.Life}
	ownDue := own
	ownDue.State = tokencache.StateDue
	for name, c := range map[string]struct {
		stored tokencache.Status
		plan   tokencache.Schedule
		want   tokencache.Status
	}{
		"the same token":           {stored(tokencache.StateFresh, 90*time.Minute+time.Second), plan, stored(tokencache.StateFresh, 90*time.Minute+time.Second)},
		"the same, a moment later": {stored(tokencache.StateFresh, 90*time.Minute-time.Second), plan, stored(tokencache.StateFresh, 90*time.Minute-time.Second)},
		"a newer one is stored":    {stored(tokencache.StateFresh, 2*time.Hour), plan, stored(tokencache.StateFresh, 2*time.Hour)},
		"an older one is stored":   {stored(tokencache.StateUrgent, 4*time.Second), plan, own},
		"none is stored":           {tokencache.Status{ID: "id", State: tokencache.StateAbsent}, plan, own},
		"none, and it is due":      {tokencache.Status{ID: "id", State: tokencache.StateAbsent}, due, ownDue},
		"a garbled one is stored":  {tokencache.Status{ID: "id", State: tokencache.StateAbsent, Garbled: "no life"}, plan, own},
	} {
		assert.Equal(t, c.want, merged(c.stored, held{c.plan, true}), name)
		assert.Equal(t, c.stored, merged(c.stored, held{}), "nothing is held")
	}
	assert.Equal(t, tokencache.Status{State: tokencache.StateAbsent}, merged(tokencache.Status{}, held{}), "there is neither")
	assert.Equal(t, tokencache.Status{State: tokencache.StateDue, Remaining: due.Remaining, Life: due.Life}, merged(tokencache.Status{}, held{due, true}), "Redis has not answered")
}

// A Redis that has lost its keys takes no token from this service: the page shows the life of that which is handed out.
func TestReportOfATokenThatRedisHasLost(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.keep([]vault.Credential{(&app{secret: "s"}).named("crm")})
		time.Sleep(10 * time.Minute)
		s.bubble.Server().FlushAll()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		r := s.Report(t.Context()).Credentials[0]
		assert.True(t, r.Known)
		assert.True(t, r.Usable)
		assert.Equal(t, "fresh", r.State)
		assert.InDelta(t, (110*time.Minute - 5*time.Second).Seconds(), float64(r.Remaining), 1)
		assert.EqualValues(t, 7200, r.Life)
		_, page := s.get("/")
		assert.Contains(t, page, ">Well<")
		assert.Contains(t, page, "109 min</time> left")
		assert.NotContains(t, page, "no token")

		s.bubble.Link("a").Down()
		time.Sleep(5 * time.Second)
		_, body := s.get("/api/status")
		var report Report
		require.NoError(t, json.Unmarshal([]byte(body), &report))
		assert.False(t, report.Credentials[0].Known)
		assert.NotEmpty(t, report.Credentials[0].ID)
		assert.InDelta(t, 6590, float64(report.Credentials[0].Remaining), 1)
	})
}
