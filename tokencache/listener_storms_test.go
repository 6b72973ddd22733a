package tokencache_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// F45, I8: a fleet that waits for a call hears of many rejections, as after an outage in which each
// of another fleet had a token of its own, or of one that somebody repeats or makes up. None is a
// reason to look.
func TestF45WaitersDoNotLookForRejections(t *testing.T) {
	for edge, event := range map[string]func(f *fleet, i int) string{
		"of many tokens": func(f *fleet, i int) string {
			return tokencache.RejectionHint(f.credential(), fmt.Sprintf("%032d", i), time.Now())
		},
		"repeated": func(f *fleet, _ int) string {
			return tokencache.RejectionHint(f.credential(), fmt.Sprintf("%032d", 1), time.UnixMilli(1))
		},
		"made up":    func(*fleet, int) string { return "I x 1 x" },
		"incomplete": func(*fleet, int) string { return "I x" },
	} {
		t.Run(edge, func(t *testing.T) {
			virtual(t, feishutest.Config{Latency: 2 * time.Second}, func(t *testing.T, f *fleet) {
				f.warmScripts()
				replicas := f.start(20)
				var done []<-chan result
				for _, r := range replicas {
					done = append(done, r.getting(t.Context()))
				}
				time.Sleep(100 * time.Millisecond)
				f.redis.Each((*redistest.Link).ResetCounts)
				for i := range 300 {
					f.send(event(f, i))
					time.Sleep(4 * time.Millisecond)
				}
				for i, r := range replicas {
					assert.LessOrEqual(t, f.looks(r), 4, "%s: the safety polls", r.name)
					require.NoError(t, (<-done[i]).err)
				}
			})
		})
	}
}

// F45, I8: events that seem to tell of a token with next to nothing left, of which no look finds
// anything, cost a look each only as often as others do.
func TestF45EventsOfTokensThatSeemToEnd(t *testing.T) {
	for edge, hint := range map[string]tokencache.Hint{
		"not carried": {Unsealed: true},
		"made up":     {Sealed: "x"},
	} {
		t.Run(edge, func(t *testing.T) {
			virtual(t, usual(), func(t *testing.T, f *fleet) {
				r := f.replica()
				r.mustGet()
				time.Sleep(time.Hour)
				f.redis.Each((*redistest.Link).ResetCounts)
				hint.Token = tokencache.NewToken("another", "", time.Hour)
				for range 1000 {
					hint.Stored, hint.Checked, hint.Ends = time.Now(), time.Now(), time.Now().Add(time.Millisecond)
					f.send(hint.String(f.credential()))
					time.Sleep(9 * time.Millisecond)
				}
				assert.GreaterOrEqual(t, f.looks(r), 1)
				assert.LessOrEqual(t, f.looks(r), 8, "one at once, and then one in 2.5 s on the average")
			})
		})
	}
}

// I3: a replica that Redis refuses waits for its turn to ask the issuer around it, and hears of a
// token meanwhile. It does not ask any more; one whose Refresh insists does.
func TestI3NoDirectCallForATokenThatWasTold(t *testing.T) {
	for edge, test := range map[string]struct {
		ask   func(t *testing.T, r *replica) error
		calls int
	}{
		"Get": {func(t *testing.T, r *replica) error {
			_, err := r.source.Get(t.Context())
			return err
		}, 1},
		"Refresh": {func(t *testing.T, r *replica) error {
			_, _, err := r.source.Refresh(t.Context())
			return err
		}, 2},
	} {
		t.Run(edge, func(t *testing.T) {
			virtual(t, feishutest.Config{Latency: latency, MintEveryCall: true}, func(t *testing.T, f *fleet) {
				r, other := f.replica(with(func(c *tokencache.Config) { c.DirectRate = 0.1 })), f.replica()
				withinAll(f.replicas, latency+100*time.Millisecond)
				time.Sleep(time.Minute)
				r.link.Fail("LOADING no", script("read", "look", "publish", "invalidate", "obtain"))
				for range 2 { // the first takes the turn that was free
					require.ErrorIs(t, r.source.Invalidate(t.Context(), r.mustGet()), tokencache.ErrRedis)
				}
				done := make(chan error, 1)
				go func() { done <- test.ask(t, r) }()
				time.Sleep(time.Second)
				tok, _, err := other.source.Refresh(t.Context())
				require.NoError(t, err)
				time.Sleep(time.Millisecond)
				got, ok := r.source.Peek()
				require.True(t, ok)
				require.True(t, got.Equal(tok))
				require.NoError(t, <-done)
				time.Sleep(30 * time.Second)
				assert.Equal(t, test.calls, r.count(tokencache.EventDirectCall, ""))
			})
		})
	}
}

// I8, F31: 60 replicas find at once that the token is revoked. One of them tells the others, and
// one asks.
func TestI8OneEventForARejectionByAll(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		f.warmScripts()
		replicas := f.start(60)
		withinAll(replicas, latency+100*time.Millisecond)
		time.Sleep(time.Minute)
		f.redis.Each((*redistest.Link).ResetCounts)
		bad, calls := replicas[0].mustGet(), f.stats().Calls
		f.issuer.Rotate()
		for range 3 { // who is slow to notice rejects it once more
			together(replicas, func(r *replica) {
				assert.NoError(t, r.source.Invalidate(t.Context(), bad))
				assert.False(t, r.mustGet().Equal(bad))
			})
			time.Sleep(90 * time.Second)
		}
		assert.Equal(t, calls+1, f.stats().Calls)
		events := 0
		for _, r := range replicas {
			events += r.link.Count("PUBLISH")
		}
		assert.LessOrEqual(t, events, 1+3, "one of the token, and one for each time that the rejection may be news")
	})
}
