package tokencache_test

import (
	"cmp"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/redistest"
)

// I8: a whole fleet hears of a new token in the same moment. Who has a copy reads it some
// time within 5 s, or within a quarter of what the copy has left, and once; who has none
// reads it at once.
func TestI8NewsOfATokenSpreadsTheReads(t *testing.T) {
	const readers = 40
	for edge, test := range map[string]struct{ left, within time.Duration }{
		"a fresh copy":     {time.Hour, 5 * time.Second},
		"a copy that dies": {14 * time.Second, 3600 * time.Millisecond}, // within 4 s
		"a new copy":       {119 * time.Minute, 5 * time.Second},
	} {
		t.Run(edge, func(t *testing.T) {
			virtual(t, feishutest.Config{Latency: latency, MintEveryCall: true}, func(t *testing.T, f *fleet) {
				holder := f.replica()
				replicas := f.start(readers)
				withinAll(f.replicas, latency+100*time.Millisecond)
				time.Sleep(f.redis.Admin().PTTL(t.Context(), f.tokenKey()).Val() - test.left)
				f.redis.Each((*redistest.Link).ResetCounts)

				tok, changed, err := holder.source.Refresh(t.Context())
				require.NoError(t, err)
				require.True(t, changed)
				looked := func() (n int) {
					for _, r := range replicas {
						n += min(1, r.link.Count("EVALSHA", "EVAL"))
					}
					return n
				}
				for i, before := 1, 0; i <= 10; i++ {
					time.Sleep(test.within / 10)
					so := looked()
					assert.LessOrEqual(t, so-before, readers/4, "in the tenth part %d", i)
					before = so
				}
				assert.Equal(t, readers, looked())
				time.Sleep(test.within)
				for _, r := range replicas {
					assert.True(t, r.within(0).Equal(tok), r.name)
					assert.Equal(t, 1, r.link.Count("EVALSHA", "EVAL"), "%s: one look", r.name)
				}
			})
		})
	}
	t.Run("no copy", func(t *testing.T) {
		virtual(t, feishutest.Config{Latency: time.Second}, func(t *testing.T, f *fleet) {
			f.start(readers)
			for _, res := range all(context.Background(), f.replicas) {
				require.NoError(t, res.err)
				assert.LessOrEqual(t, res.took, time.Second+100*time.Millisecond)
			}
		})
	})
}

// F33: an older version does not say how much is left of the token that it stored. Who has it
// does not look, and who has another does so within 5 s, not all at once.
func TestF33NewsFromAnOlderVersion(t *testing.T) {
	const readers = 40
	for edge, about := range map[string]string{"the token at hand": "", "another": "f00"} {
		for _, left := range []string{"", " ", " -1", " 99999999999999999999", " soon"} {
			t.Run(edge+left, func(t *testing.T) {
				virtual(t, usual(), func(t *testing.T, f *fleet) {
					replicas := f.start(readers)
					withinAll(replicas, latency+100*time.Millisecond)
					time.Sleep(time.Minute)
					f.redis.Each((*redistest.Link).ResetCounts)
					fp := cmp.Or(about, replicas[0].mustGet().Fingerprint())
					require.NoError(t, f.redis.Admin().Publish(t.Context(), f.keyName("events"), "T "+fp+left).Err())
					time.Sleep(time.Second)
					looked := 0
					for _, r := range replicas[1:] { // the first was asked for the name of the channel
						looked += r.link.Count("EVALSHA", "EVAL")
					}
					if about == "" {
						assert.Zero(t, looked)
					} else {
						assert.LessOrEqual(t, looked, readers/2)
					}
				})
			})
		}
	}
}
