package gateway

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/bearer"
	"github.com/onetoken-go/onetoken/internal/service/clients"
	"github.com/onetoken-go/onetoken/tokencache"
)

func tableOf(t testing.TB, secret string) *clients.Table {
	t.Helper()
	table, err := clients.New([]clients.Client{{
		Name: "bot", Secrets: []tokencache.Secret{tokencache.NewSecret(secret)}, Credentials: []string{"crm"}, May: clients.Call,
	}}, nil)
	require.NoError(t, err)
	return table
}

const secretOfBot = "secret-of-bot-0123456789"

// Over a day an SDK that asks at any moment is told of 30 min to 2 h, gets the same one again within 90 min, and one
// that takes the place of another is new.
func TestLifeOfStandIns(t *testing.T) {
	for _, client := range []string{"bot", "notes", "x"} {
		var changes []time.Time
		before := time.Time{}
		for at := time.Unix(1_800_000_000, 0); at.Before(time.Unix(1_800_000_000+86_400, 0)); at = at.Add(time.Second) {
			s := newStandIn(client, "crm", "cli_crm", bearer.Tenant, at)
			require.GreaterOrEqual(t, s.left(at), int64(1800))
			require.LessOrEqual(t, s.left(at), int64(7200))
			require.True(t, s.isInTime(at))
			if !s.end.Equal(before) {
				changes = append(changes, at)
				require.True(t, before.IsZero() || s.end.Sub(before) == 90*time.Minute)
			}
			before = s.end
		}
		assert.InDelta(t, 17, len(changes), 1, "every 90 min")
	}
	at := time.Unix(1_800_000_000, 999_999_999)
	assert.NotEqual(t, newStandIn("bot", "crm", "cli_crm", bearer.Tenant, at).end, newStandIn("notes", "crm", "cli_crm", bearer.Tenant, at).end, "not all at once")
}

func TestTimesOfStandIns(t *testing.T) {
	end := time.Unix(1_800_000_000, 0)
	s := standIn{end: end}
	for at, good := range map[time.Time]bool{
		end: true, end.Add(5*time.Minute - 1): true, end.Add(5 * time.Minute): false,
		end.Add(-2*time.Hour - 5*time.Minute): true, end.Add(-2*time.Hour - 5*time.Minute - 1): false,
	} {
		assert.Equal(t, good, s.isInTime(at), at.Sub(end))
	}
}

// A table that another process made of the same configuration takes it: nothing else is shared.
func TestStandInsOfOthers(t *testing.T) {
	here, there, other := tableOf(t, secretOfBot), tableOf(t, secretOfBot), tableOf(t, "another-secret-of-bot-01")
	who, ok := here.BySecret(secretOfBot)
	require.True(t, ok)
	now := time.Now()
	for _, kind := range []bearer.Kind{bearer.Tenant, bearer.App} {
		want := newStandIn("bot", "crm", "cli_crm", kind, now)
		text, ok := want.write(who)
		require.True(t, ok)
		assert.Less(t, len(text), 256)
		got, found, ok := readStandIn(text, there, now)
		require.True(t, ok)
		assert.Equal(t, want, got)
		assert.Equal(t, "bot", found.Name())
		_, _, ok = readStandIn(text, other, now)
		assert.False(t, ok, "another secret")
		_, _, ok = readStandIn(text, there, want.end.Add(leeway))
		assert.False(t, ok, "too late")
	}
	_, ok = newStandIn("bot", "crm", "cli_crm", bearer.Tenant, now).write(clients.Identity{})
	assert.False(t, ok)
}

// FuzzStandIn tries to make one that was not given.
func FuzzStandIn(f *testing.F) {
	table, now := tableOf(f, secretOfBot), time.Now()
	who, _ := table.BySecret(secretOfBot)
	var given []string
	for _, kind := range []bearer.Kind{bearer.Tenant, bearer.App} {
		text, _ := newStandIn("bot", "crm", "cli_crm", kind, now).write(who)
		given = append(given, text)
		f.Add(text)
	}
	for _, text := range []string{"", "ot1.", "ot1..", "ot1.Ym90L2NybS90ZW5hbnQvMQ.AAAA", "ot1.Ym90L2NybS9hcHAvLTE.", "t-x", given[0] + "=", "ot2" + given[0][3:]} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, _, ok := readStandIn(text, table, now)
		if ok {
			assert.Contains(t, given, text)
			assert.Equal(t, "crm", s.credential)
		}
	})
}

// BenchmarkReadStandIn is on the way of each call.
func BenchmarkReadStandIn(b *testing.B) {
	table, now := tableOf(b, secretOfBot), time.Now()
	who, _ := table.BySecret(secretOfBot)
	text, _ := newStandIn("bot", "crm", "cli_crm", bearer.Tenant, now).write(who)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, ok := readStandIn(text, table, now); !ok {
			b.Fatal("it is good")
		}
	}
}
