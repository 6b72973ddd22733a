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
