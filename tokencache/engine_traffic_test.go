package tokencache_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// I8: without faults a rotation costs each replica a handful of commands and the
// fleet one event, however often Get is called.
func TestI8CommandsOfARotation(t *testing.T) {
	for name, every := range map[string]time.Duration{"seldom": time.Minute, "often": 5 * time.Second} {
		t.Run(name, func(t *testing.T) {
			virtual(t, usual(), func(t *testing.T, f *fleet) {
				replicas := f.start(20)
				withinAll(replicas, latency+50*time.Millisecond)
				time.Sleep(10 * time.Second)
				f.redis.Each((*redistest.Link).ResetCounts)
				before := f.stats().Rotations
				read(replicas, every, 24*time.Hour)

				rotations := f.stats().Rotations - before
				require.Greater(t, rotations, 12)
				events := 0
				for _, r := range replicas {
					assert.LessOrEqual(t, r.link.Count()-r.link.Count("PUBLISH"), 6*rotations, "%v", r.link.Counts())
					assert.Zero(t, r.link.Count("SUBSCRIBE"), "the subscription stands")
					assert.LessOrEqual(t, r.link.Dials(), rotations+1, "the client drops what is idle for 30 min")
					events += r.link.Count("PUBLISH")
				}
				assert.Equal(t, rotations, events)
				assert.Equal(t, f.stats().Rotations, f.stats().Calls)
			})
		})
	}
}

// I8: a fault costs each replica ten commands more at most, and the tries while
// it lasts.
func TestI8CommandsOfAFault(t *testing.T) {
	const extra = 10
	for name, fault := range map[string]func(*fleet){
		"connections cut":   func(f *fleet) { f.redis.Each((*redistest.Link).Cut) },
		"scripts forgotten": func(f *fleet) { require.NoError(f.t, f.redis.Admin().ScriptFlush(f.t.Context()).Err()) },
		"token evicted":     func(f *fleet) { f.redis.Admin().Del(f.t.Context(), f.tokenKey()) },
		"token rejected": func(f *fleet) {
			tok := f.replicas[0].mustGet()
			f.issuer.Revoke(tok.AppAccessToken())
			together(f.replicas, func(r *replica) { _ = r.source.Invalidate(f.t.Context(), tok) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, usual(), func(t *testing.T, f *fleet) {
				replicas := f.start(10)
				withinAll(replicas, latency+50*time.Millisecond)
				time.Sleep(10 * time.Second)
				f.redis.Each((*redistest.Link).ResetCounts)
				before := f.stats().Rotations
				fault(f)
				read(replicas, time.Second, 3*time.Hour)

				rotations := f.stats().Rotations - before
				for _, r := range replicas {
					assert.LessOrEqual(t, r.link.Count(), 7*rotations+extra, "%v", r.link.Counts())
				}
				assert.LessOrEqual(t, f.stats().Calls, before+rotations+1)
				assert.Zero(t, f.count(tokencache.EventDegraded, ""))
			})
		})
	}
}
