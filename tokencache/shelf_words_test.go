package tokencache_test

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// I1: the issuer's shorter word on the token that everybody has reaches all who have it,
// whichever way it comes: nobody is handed it past its end.
func TestI1ShorterWordOnTheSameToken(t *testing.T) {
	const left = 5 * time.Minute
	refresh := func(t *testing.T, f *fleet, r *replica) {
		tok, changed, err := r.source.Refresh(t.Context())
		require.NoError(t, err)
		require.False(t, changed)
		require.InDelta(t, left, time.Until(tok.Expiry()), float64(3*time.Second))
	}
	for name, learn := range map[string]func(t *testing.T, f *fleet){
		"an event": func(t *testing.T, f *fleet) { refresh(t, f, f.replicas[0]) },
		"an event of the same token, stored again": func(t *testing.T, f *fleet) {
			f.admin((*redis.Client).FlushAll)
			refresh(t, f, f.replicas[0])
		},
		"a subscription that was cut": func(t *testing.T, f *fleet) {
			for _, r := range f.replicas[1:] {
				r.link.LoseMessages(true)
			}
			refresh(t, f, f.replicas[0])
			time.Sleep(10 * time.Second)
			for _, r := range f.replicas[1:] {
				r.link.Heal()
				r.link.Cut()
			}
		},
		"an event, and then a failover to a Redis that knows no more of it": func(t *testing.T, f *fleet) {
			forget := f.remembering()
			refresh(t, f, f.replicas[0])
			time.Sleep(10 * time.Second)
			forget()
		},
		"a direct call, put back": func(t *testing.T, f *fleet) {
			cut := f.replicas[0]
			cut.link.Down()
			refresh(t, f, cut)
			cut.link.Heal()
			for range 60 {
				time.Sleep(time.Second)
				require.LessOrEqual(t, time.Until(cut.mustGet().Expiry()), left, "its own word is newer than that of Redis")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, feishutest.Config{Latency: latency, Window: time.Minute}, func(t *testing.T, f *fleet) {
				replicas := f.start(5)
				together(replicas, func(r *replica) { r.mustGet() })
				time.Sleep(10 * time.Minute)
				together(replicas, func(r *replica) { r.mustGet() })
				f.resetCounts()
				f.issuer.SetRemaining(left)
				learn(t, f)
				calls := f.stats().Calls
				time.Sleep(time.Minute)
				for _, r := range replicas {
					assert.LessOrEqual(t, time.Until(r.mustGet().Expiry()), left, r.name)
					assert.LessOrEqual(t, r.link.Count("EVALSHA", "EVAL"), 14, "%s: no storm", r.name)
				}
				read(replicas, time.Second, left+time.Minute) // checks each
				assert.LessOrEqual(t, f.stats().Calls, calls+8, "each minute, until there is another")
			})
		})
	}
}

// I1: the same, when the copies have ended, and the issuer says nothing: what Redis says to the
// contrary is from before. Nobody is handed the token again.
func TestI1ShorterWordForgottenAfterTheEnd(t *testing.T) {
	const left = 5 * time.Minute
	virtual(t, feishutest.Config{Latency: latency, Window: time.Minute}, func(t *testing.T, f *fleet) {
		replicas := f.start(5)
		together(replicas, func(r *replica) { r.mustGet() })
		time.Sleep(10 * time.Minute)
		forget := f.remembering()
		f.issuer.SetRemaining(left)
		_, _, err := replicas[0].source.Refresh(t.Context())
		require.NoError(t, err)
		f.issuer.SetFault(feishutest.Status(503))
		time.Sleep(left + time.Second)
		forget()
		for range 60 {
			for _, r := range replicas {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				_, err := r.get(ctx)
				cancel()
				require.Error(t, err, r.name)
			}
		}
		f.issuer.SetFault(feishutest.Fault{})
		time.Sleep(time.Minute)
		calls := f.stats().Calls
		read(replicas, time.Second, time.Minute) // checks each
		assert.LessOrEqual(t, f.stats().Calls-calls, len(replicas), "one each, as what Redis holds seems to live longer")
	})
}

// I1: the issuer's shorter word on the token that everybody has may leave less than anybody is handed of
// a token of that life, or nothing by the time it is there. It ends the copies all the same.
func TestI1ShorterWordThatLeavesNothing(t *testing.T) {
	refresh := func(t *testing.T, f *fleet) error {
		_, _, err := f.replicas[0].source.Refresh(t.Context())
		return err
	}
	for name, c := range map[string]struct {
		left  time.Duration
		fault feishutest.Fault
		learn func(t *testing.T, f *fleet)
	}{
		"little": {left: 8 * time.Second, learn: func(t *testing.T, f *fleet) {
			require.NoError(t, refresh(t, f))
		}},
		"little, unheard": {left: 8 * time.Second, learn: func(t *testing.T, f *fleet) {
			for _, r := range f.replicas[1:] {
				r.link.LoseMessages(true)
			}
			require.NoError(t, refresh(t, f))
			for _, r := range f.replicas[1:] { // which look then
				r.link.Heal()
				r.link.Cut()
			}
			time.Sleep(6 * time.Second)
		}},
		"little, around Redis": {left: 8 * time.Second, learn: func(t *testing.T, f *fleet) {
			f.replicas[0].link.Down()
			require.NoError(t, refresh(t, f))
			f.replicas[0].link.Heal()
			time.Sleep(5 * time.Second) // it is put back
		}},
		"nothing": {2 * time.Second, feishutest.SlowBody(20 * time.Millisecond), func(t *testing.T, f *fleet) {
			require.ErrorIs(t, refresh(t, f), tokencache.ErrExpired)
			time.Sleep(2 * time.Millisecond)
			require.Empty(t, f.stored(), "nor does Redis have it any more")
		}},
		"nothing, from far": {2 * time.Second, feishutest.SlowBody(20 * time.Millisecond), func(t *testing.T, f *fleet) {
			for _, r := range f.replicas {
				r.link.Delay(15 * time.Millisecond)
			}
			require.ErrorIs(t, refresh(t, f), tokencache.ErrExpired)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, feishutest.Config{Latency: latency, Window: time.Second}, func(t *testing.T, f *fleet) {
				f.start(5)
				together(f.replicas, func(r *replica) { r.mustGet() })
				time.Sleep(10 * time.Minute)
				old := f.replicas[0].mustGet()
				f.issuer.SetRemaining(c.left)
				end := time.Now().Add(c.left)
				f.issuer.FailNext(1, c.fault)
				c.learn(t, f)
				for range 20 {
					time.Sleep(time.Second)
					for _, r := range f.replicas {
						tok := r.within(20 * time.Second) // is checked
						assert.False(t, tok.Equal(old) && tok.Expiry().After(end.Add(latency)), "%s has the end that it was to have", r.name)
					}
				}
				read(f.replicas, time.Second, 10*time.Minute)
				assert.LessOrEqual(t, f.stats().Calls, 4+len(f.replicas), "one each, at most, for the little that was left")
			})
		})
	}
}
