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

// F57, I1: an event tells that the issuer's word on the token is a shorter one, and does not carry
// it, as the token is a big one. Whatever comes between, who has a copy looks in time.
func TestF57NewsThatHasToBeReadIsRead(t *testing.T) {
	const left, rounds = 20 * time.Second, 6
	type scene struct {
		f       *fleet
		r       *replica
		shorten func()
	}
	running := func(t *testing.T, r *replica) (stop func()) {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.cache.Run(ctx) }()
		time.Sleep(time.Millisecond)
		return func() {
			cancel()
			require.NoError(t, <-done)
		}
	}
	for edge, happens := range map[string]func(t *testing.T, s scene){
		"nothing": func(_ *testing.T, s scene) { s.shorten() },
		"a look that was under way is answered": func(_ *testing.T, s scene) {
			s.r.link.Shape(slowReplies(950 * time.Millisecond))
			s.f.send("T x")
			for range 1000 {
				if time.Sleep(10 * time.Millisecond); s.r.link.Count("EVALSHA", "EVAL") > 0 {
					break
				}
			}
			s.shorten()
			time.Sleep(2 * time.Second)
			s.r.link.Shape(redistest.Shape{})
		},
		"the lock becomes free": func(t *testing.T, s scene) {
			defer running(t, s.r)()
			s.shorten()
			s.f.send("F ")
			time.Sleep(left / 2)
		},
		"Run begins": func(t *testing.T, s scene) {
			s.shorten()
			defer running(t, s.r)()
			time.Sleep(left / 2)
		},
		"Run ends": func(t *testing.T, s scene) {
			stop := running(t, s.r)
			s.shorten()
			stop()
		},
		"Redis refuses to be read": func(_ *testing.T, s scene) {
			s.r.link.Fail("LOADING no", script("read", "look"))
			s.shorten()
			time.Sleep(4 * time.Second)
			s.r.link.Heal()
		},
		"an older event arrives": func(t *testing.T, s scene) {
			tok, _ := s.r.source.Peek()
			older := tokencache.Hint{
				Token: tok, Life: 2 * time.Hour,
				Stored: time.Now(), Checked: time.Now(), Ends: tok.Expiry(),
			}.String(s.f.credential())
			time.Sleep(time.Millisecond)
			s.shorten()
			s.f.send(older)
		},
	} {
		t.Run(edge, func(t *testing.T) {
			for round := range rounds {
				virtual(t, usual(), func(t *testing.T, f *fleet) {
					for range round { // in each round others are drawn
						f.jitter()
					}
					big, end := strings.Repeat("x", 8<<10), time.Now().Add(2*time.Hour)
					fetch := fetching(tokencache.FetchFunc(f.credential(), func(context.Context) (tokencache.Token, error) {
						return tokencache.NewToken(big, "", time.Until(end)), nil
					}))
					r, holder := f.replica(fetch), f.replica(fetch)
					for _, r := range f.replicas {
						_, err := r.source.Get(t.Context())
						require.NoError(t, err)
					}
					time.Sleep(10 * time.Minute)
					f.redis.Each((*redistest.Link).ResetCounts)
					happens(t, scene{f, r, func() {
						end = time.Now().Add(left)
						_, _, err := holder.source.Refresh(t.Context())
						require.NoError(t, err)
					}})
					time.Sleep(time.Until(end) - 5*time.Second)
					if tok, ok := r.source.Peek(); ok {
						assert.LessOrEqual(t, time.Until(tok.Expiry()), 5*time.Second)
					}
					assert.LessOrEqual(t, r.link.Count("EVALSHA", "EVAL"), 20, "no storm: of one that refuses, the client asks again by itself")
				})
			}
		})
	}
}
