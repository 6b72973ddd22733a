package tokencache_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// F27: apps whose tokens were all fetched in the same moment are not all
// refreshed in the same moment.
func TestF27ManyAppsAtOnce(t *testing.T) {
	const apps = 200
	for _, test := range []struct {
		name   string
		runs   bool
		spread time.Duration // of the calls
		most   int           // in one second
	}{
		{"refresher", true, 25 * time.Second, 20},
		{"embedded", false, 100 * time.Second, 10},
	} {
		t.Run(test.name, func(t *testing.T) {
			virtual(t, feishutest.Config{}, func(t *testing.T, f *fleet) {
				r := f.replica()
				var calls journal
				var sources []*tokencache.Source
				for i := range apps {
					sources = append(sources, r.cache.Source(calls.fetcher(fmt.Sprint("app", i))))
				}
				pass := time.Sleep
				if test.runs {
					defer r.run()()
				} else {
					pass = func(d time.Duration) {
						for range d / time.Second {
							for _, s := range sources {
								_, err := s.Get(t.Context())
								require.NoError(t, err)
							}
							time.Sleep(time.Second)
						}
					}
				}
				pass(time.Minute)
				require.Len(t, calls.taken(), apps, "all are filled at the start")
				pass(2 * time.Hour)
				at := calls.taken()
				require.Len(t, at, 2*apps)
				at = at[apps:]

				assert.Greater(t, at[apps-1].Sub(at[0]), test.spread)
				perSecond := map[int64]int{}
				for _, moment := range at {
					perSecond[moment.Unix()]++
				}
				for second, n := range perSecond {
					assert.LessOrEqual(t, n, test.most, "in second %d", second-at[0].Unix())
				}
			})
		})
	}
}
