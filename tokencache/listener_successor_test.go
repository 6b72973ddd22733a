package tokencache_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// F49: a token was revoked, of which a replica has not heard, and its successor ends earlier. The
// event of that, or the subscription that stands again, is a reason to look, and the replica then
// has what Redis holds, though that lives no longer.
func TestF49SuccessorThatEndsEarlier(t *testing.T) {
	for edge, test := range map[string]struct {
		size int
		cut  bool
	}{
		"carried by the event":           {size: 10},
		"too large to be carried":        {size: 8 << 10},
		"the event of that is lost, too": {size: 10, cut: true},
	} {
		size := test.size
		t.Run(edge, func(t *testing.T) {
			virtual(t, usual(), func(t *testing.T, f *fleet) {
				name, end := strings.Repeat("a", size), time.Now().Add(2*time.Hour)
				fetch := fetching(tokencache.FetchFunc(f.credential(), func(context.Context) (tokencache.Token, error) {
					return tokencache.NewToken(name, "", time.Until(end)), nil
				}))
				deaf, other := f.replica(fetch), f.replica(fetch)
				for _, r := range f.replicas {
					_, err := r.source.Get(t.Context())
					require.NoError(t, err)
				}
				time.Sleep(10 * time.Minute)
				bad, _ := other.source.Peek()
				name, end = strings.Repeat("b", size), time.Now().Add(time.Hour)
				deaf.link.LoseMessages(true)
				require.NoError(t, other.source.Invalidate(t.Context(), bad))
				time.Sleep(time.Millisecond)
				deaf.link.LoseMessages(test.cut)
				good, err := other.source.Get(t.Context())
				require.NoError(t, err)
				require.Equal(t, name, good.AppAccessToken())
				f.redis.Each((*redistest.Link).ResetCounts)
				if test.cut {
					time.Sleep(time.Millisecond)
					deaf.link.Heal()
					deaf.link.Cut()
				}
				time.Sleep(8 * time.Second)
				got, ok := deaf.source.Peek()
				require.True(t, ok)
				assert.True(t, got.Equal(good), "else it would have the revoked one for another hour and a half")
				assert.Equal(t, 1, f.looks(deaf))
			})
		})
	}
}

// F45: an event of a token that ends earlier, where Redis holds the one at hand, or this process
// has one that Redis does not know yet: nothing changes.
func TestF45EventOfATokenThatEndsEarlier(t *testing.T) {
	for edge, test := range map[string]struct {
		change func(*tokencache.Hint)
		before func(f *fleet, r *replica)
	}{
		"Redis holds another": {},
		"not carried":         {change: func(h *tokencache.Hint) { h.Unsealed = true }},
		"checked before":      {change: func(h *tokencache.Hint) { h.Checked = h.Checked.Add(-2 * time.Hour) }},
		"not known to Redis": {before: func(f *fleet, r *replica) {
			r.link.Fail("READONLY no", script("publish", "invalidate"))
			_, _, err := r.source.Refresh(f.t.Context())
			require.NoError(f.t, err)
		}},
	} {
		t.Run(edge, func(t *testing.T) {
			config := usual()
			config.MintEveryCall = true
			virtual(t, config, func(t *testing.T, f *fleet) {
				r := f.replica()
				r.mustGet()
				time.Sleep(time.Hour)
				if test.before != nil {
					test.before(f, r)
				}
				tok := r.mustGet()
				h := tokencache.Hint{
					Token: tokencache.NewToken("another", "", 40*time.Minute), Stored: time.Now(), Checked: time.Now().Add(-time.Second), Ends: time.Now().Add(40 * time.Minute),
				}
				if test.change != nil {
					test.change(&h)
				}
				for range 3 {
					f.send(h.String(f.credential()))
					time.Sleep(10 * time.Second)
					assert.True(t, r.within(0).Equal(tok))
				}
			})
		})
	}
}
