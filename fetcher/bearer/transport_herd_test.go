package bearer_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/bearer"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

const herd = 500

func TestRejectionsAtOnceCostOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := farStage(t, feishutest.Config{Latency: 130 * time.Millisecond}, together(herd))
		_, err := s.source.Get(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, s.calls())
		s.revoke(t)

		assert.Equal(t, map[int]int{http.StatusOK: herd}, s.herdOf(t, herd))
		assert.Equal(t, 2, s.calls(), "one for all of them")
		assert.Len(t, s.authorizations(), 2*herd)
	})
}

// Rejections that come late, after others had the token replaced, do not cost
// the new one.
func TestLateRejectionsCostNoCall(t *testing.T) {
	for _, late := range []time.Duration{time.Second, 10 * time.Minute} {
		t.Run(fmt.Sprint(late), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := farStage(t, feishutest.Config{}, func(c *bearer.Config) {
					base, first := c.Base, make(chan struct{}, 1)
					first <- struct{}{}
					c.Base = roundTrip(func(req *http.Request) (*http.Response, error) {
						resp, err := base.RoundTrip(req)
						select {
						case <-first:
							time.Sleep(late)
						default:
						}
						return resp, err
					})
				})
				_, err := s.source.Get(t.Context())
				require.NoError(t, err)
				s.revoke(t)
				assert.Equal(t, map[int]int{http.StatusOK: 50}, s.herdOf(t, 50))
				assert.Equal(t, 2, s.calls())
			})
		})
	}
}

// The issuer may hand the revoked token out again: nobody gains, but it is
// asked once, not 500 times.
func TestHopelessRejectionsCostOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := farStage(t, feishutest.Config{KeepRevoked: true}, together(herd))
		_, err := s.source.Get(t.Context())
		require.NoError(t, err)
		s.revoke(t)
		assert.Equal(t, map[int]int{http.StatusBadRequest: herd}, s.herdOf(t, herd))
		assert.Equal(t, 2, s.calls())
		assert.Len(t, s.authorizations(), herd)
	})
}

// together holds replies back until n of them are there.
func together(n int) func(*bearer.Config) {
	return func(c *bearer.Config) {
		base := c.Base
		var all sync.WaitGroup
		all.Add(n)
		left := make(chan struct{}, n)
		for range n {
			left <- struct{}{}
		}
		c.Base = roundTrip(func(req *http.Request) (*http.Response, error) {
			resp, err := base.RoundTrip(req)
			select {
			case <-left:
				all.Done()
				all.Wait()
			default: // a second try
			}
			return resp, err
		})
	}
}

// herdOf makes that many requests at once, and returns how often each status came.
func (s *stage) herdOf(t *testing.T, n int) map[int]int {
	t.Helper()
	var wg sync.WaitGroup
	statuses := make([]int, n)
	for i := range n {
		wg.Go(func() { statuses[i], _ = s.do(t, newRequest(t, http.MethodGet, query, nil)) })
	}
	wg.Wait()
	counts := map[int]int{}
	for _, status := range statuses {
		counts[status]++
	}
	return counts
}
