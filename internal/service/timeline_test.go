package service

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/tokencache"
)

func TestTimelineKeepsTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var line timeline
		assert.Equal(t, []Incident{}, line.all(), "and not null in JSON")
		for i := range mostIncidents + 50 {
			line.add(incidentFailure, "crm", fmt.Sprint(i))
			time.Sleep(time.Second)
		}
		all := line.all()
		assert.Len(t, all, mostIncidents)
		assert.Equal(t, fmt.Sprint(mostIncidents+49), all[0].Text, "the newest is first")
		assert.Equal(t, "50", all[mostIncidents-1].Text)
		assert.Equal(t, time.Now().UTC().Add(-time.Second), all[0].At)
	})
}

// What lasts is told once a minute.
func TestTimelineDoesNotRepeatItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var line timeline
		for range 120 {
			line.add(incidentFailure, "crm", "the same")
			line.add(incidentFailure, "m2m", "the same")
			time.Sleep(time.Second)
		}
		assert.Len(t, line.all(), 4, "two of each")
		line.add(incidentFailure, "crm", "another")
		assert.Len(t, line.all(), 5)
		line.forget("m2m")
		line.add(incidentFailure, "m2m", "the same")
		assert.Len(t, line.all(), 6, "a credential of that name is a new one")
	})
}

// What happens twice is told twice.
func TestTimelineTellsEachRotationAndReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var line timeline
		for range 3 {
			line.add(incidentRotation, "crm", "a new token, which lives another 2h0m0s")
			line.add(incidentReload, "", "the configuration was loaded")
			line.add(incidentRejected, "crm", "the same")
			time.Sleep(5 * time.Second)
		}
		count := map[string]int{}
		for _, incident := range line.all() {
			count[incident.Type]++
		}
		assert.Equal(t, map[string]int{incidentRotation: 3, incidentReload: 3, incidentRejected: 1}, count)
	})
}

func TestIncidents(t *testing.T) {
	refusal := &tokencache.IssuerError{Issuer: "feishu", Code: 10014, Message: "app secret invalid", Class: tokencache.ClassPermanent}
	for _, c := range []struct {
		event      tokencache.Event
		kind, text string
	}{
		{tokencache.Event{Kind: tokencache.EventAdopt, Remaining: 2*time.Hour - time.Millisecond}, "rotation", "a new token, which lives another 2 h"},
		{tokencache.Event{Kind: tokencache.EventAdopt, Remaining: 96*time.Minute + 59*time.Second}, "rotation", "a new token, which lives another 96 min"},
		{tokencache.Event{Kind: tokencache.EventCall, Err: refusal}, "failure", "permanent: " + refusal.Error()},
		{tokencache.Event{Kind: tokencache.EventDirectCall, Err: refusal}, "failure", "permanent: " + refusal.Error()},
		{tokencache.Event{Kind: tokencache.EventCall}, "", ""},
		{tokencache.Event{Kind: tokencache.EventTakeover}, "takeover", "the lock was taken after another holder had let it run out"},
		{tokencache.Event{Kind: tokencache.EventLeaseLost}, "takeover", "the lock was lost while the issuer was being asked"},
		{tokencache.Event{Kind: tokencache.EventInvalidate, Outcome: tokencache.OutcomeDropped}, "rejected", "a token was refused by an API: dropped"},
		{tokencache.Event{Kind: tokencache.EventInvalidate, Err: tokencache.ErrRedis}, "rejected", "a token was refused by an API: Redis has not been told yet"},
		{tokencache.Event{Kind: tokencache.EventFill, Err: refusal}, "", ""},
	} {
		var line timeline
		line.observe(c.event, []string{"crm", "again"})
		if c.kind == "" {
			assert.Empty(t, line.all())
			continue
		}
		all := line.all()
		if assert.Len(t, all, 2, c.text) {
			assert.Equal(t, []string{c.kind, c.text, "crm"}, []string{all[1].Type, all[1].Text, all[1].Credential})
			assert.Equal(t, "again", all[0].Credential)
		}
	}
}
