package tokencache_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// F37: in the window, with the lock in other hands that do nothing, 20 replicas
// call Get in a tight loop for 2 s. What reaches Redis does not depend on how
// often they call.
func TestF37TightLoopInTheWindow(t *testing.T) {
	virtual(t, feishutest.Config{}, func(t *testing.T, f *fleet) {
		replicas := f.start(20)
		together(replicas, func(r *replica) { r.mustGet() })
		time.Sleep(96 * time.Minute) // everybody is in the window
		lock := "onetoken:{" + f.id() + "}:lock"
		require.NoError(t, f.redis.Admin().Set(t.Context(), lock, "somebody", 5*time.Second).Err())

		f.resetCounts()
		end := time.Now().Add(2 * time.Second)
		together(replicas, func(r *replica) {
			for time.Now().Before(end) {
				r.within(0)
				time.Sleep(time.Millisecond)
			}
		})
		for _, r := range replicas {
			assert.LessOrEqual(t, r.link.Count(), 2, "%s: %v", r.name, r.link.Counts())
			assert.LessOrEqual(t, r.count(tokencache.EventFill, ""), 2)
		}
		assert.Equal(t, 1, f.stats().Calls)

		f.readAtOnce(replicas, 100*time.Millisecond, 10*time.Second) // the lock runs out: one takes over
		assert.Equal(t, 2, f.stats().Calls)
		assert.Equal(t, 1, f.count(tokencache.EventTakeover, ""))
	})
}

// id is the credential's in Redis.
func (f *fleet) id() string {
	status, err := f.replicas[0].source.Status(context.Background())
	require.NoError(f.t, err)
	return status.ID
}

// F38: a replica starts while Redis holds a token in its window and a permanent
// failure to replace it. The token counts.
func TestF38ColdReplicaWithTokenAndPermanentFailure(t *testing.T) {
	virtual(t, feishutest.Config{}, func(t *testing.T, f *fleet) {
		first := f.replica()
		tok := first.mustGet()
		time.Sleep(96 * time.Minute)
		f.issuer.SetFault(feishutest.WrongSecret())
		first.within(0)
		time.Sleep(10 * time.Millisecond)
		require.NotEmpty(t, key("failure")(f))
		refused := f.stats().Refused

		cold := f.start(10)
		together(cold, func(r *replica) {
			assert.True(t, r.within(0).Equal(tok))
			assert.Zero(t, r.count(tokencache.EventCall, ""))
		})
		f.readAtOnce(cold, 100*time.Millisecond, 30*time.Second)
		assert.Equal(t, refused, f.stats().Refused, "the failure holds")
	})
}

// F40: a token is past its end, or as good as, when the call for it is over. That
// is a failure like any transient one: all who wait are told, and the next call
// is as far off.
func TestF40NotUsableWhenItArrives(t *testing.T) {
	for _, test := range []struct {
		name  string
		life  time.Duration
		takes time.Duration
	}{
		{"expired on the way", time.Second, 1500 * time.Millisecond},
		{"nothing but margin left", time.Second, 980 * time.Millisecond},
	} {
		t.Run(test.name, func(t *testing.T) {
			virtual(t, feishutest.Config{}, func(t *testing.T, f *fleet) {
				short := lazyFetcher{life: test.life, takes: test.takes}
				replicas := f.start(10, func(c *replicaConfig) { c.fetcher = &short })
				end := time.Now().Add(2 * time.Minute)
				together(replicas, func(r *replica) {
					for time.Now().Before(end) {
						_, err := r.source.Get(context.Background())
						assert.ErrorContains(t, err, tokencache.ErrExpired.Error(), r.name)
						refused, ok := errors.AsType[*tokencache.IssuerError](err)
						if assert.True(t, ok) {
							assert.Equal(t, tokencache.ClassTransient, refused.Class)
						}
						time.Sleep(50 * time.Millisecond)
					}
				})
				short.assertPaced(t)
				assert.Equal(t, len(short.calls()), f.count(tokencache.EventPublish, "expired"))
				assert.Empty(t, f.tokenKey())
			})
		})
	}
}

// F40: every call brings a token that somebody rejects before it is published.
// It is asked for once more, and then as after any transient failure.
func TestF40RejectedTwice(t *testing.T) {
	virtual(t, feishutest.Config{}, func(t *testing.T, f *fleet) {
		fetcher := lazyFetcher{life: time.Hour, takes: 100 * time.Millisecond, same: true}
		fetcher.during = func(tok tokencache.Token) {
			tombstone := "onetoken:{" + f.id() + "}:rejected:" + tok.Fingerprint()
			value := fmt.Sprintf("%d 1 nonce dropped", time.Now().UnixMilli())
			assert.NoError(t, f.redis.Admin().Set(context.Background(), tombstone, value, time.Hour).Err())
		}
		replicas := f.start(10, func(c *replicaConfig) { c.fetcher = &fetcher })
		end := time.Now().Add(2 * time.Minute)
		together(replicas, func(r *replica) {
			for time.Now().Before(end) {
				_, err := r.source.Get(context.Background())
				assert.ErrorContains(t, err, tokencache.ErrRejected.Error(), r.name)
				time.Sleep(50 * time.Millisecond)
			}
		})
		calls := fetcher.calls()
		for i := 0; i+1 < len(calls); i += 2 {
			assert.Equal(t, 100*time.Millisecond, calls[i+1].Sub(calls[i]), "at once")
		}
		fetcher.assertPaced(t)
		assert.Empty(t, f.tokenKey())
	})
}

// lazyFetcher hands out tokens after a while.
type lazyFetcher struct {
	life, takes time.Duration
	same        bool // always one
	during      func(tokencache.Token)

	mu sync.Mutex
	at []time.Time
}

func (l *lazyFetcher) Credential() tokencache.Credential {
	return tokencache.MustCredential(tokencache.CredentialConfig{Issuer: "lazy", App: "app"})
}

func (l *lazyFetcher) Fetch(context.Context) (tokencache.Token, error) {
	l.mu.Lock()
	l.at = append(l.at, time.Now())
	n := len(l.at)
	l.mu.Unlock()
	if l.same {
		n = 0
	}
	tok := tokencache.NewToken(fmt.Sprint("app", n), fmt.Sprint("tenant", n), l.life)
	time.Sleep(l.takes)
	if l.during != nil {
		l.during(tok)
	}
	return tok, nil
}

func (l *lazyFetcher) calls() []time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]time.Time(nil), l.at...)
}

// assertPaced checks the distance of failed attempts: the backoff of a transient
// failure, 250 ms doubling to 30 s. Those right after the one before belong to it.
func (l *lazyFetcher) assertPaced(t *testing.T) {
	t.Helper()
	var apart []time.Duration
	calls := l.calls()
	for i, at := range calls[1:] {
		if rest := at.Sub(calls[i]) - l.takes; rest > 0 {
			apart = append(apart, rest)
		}
	}
	require.GreaterOrEqual(t, len(apart), 7)
	hold := 250 * time.Millisecond
	for i, rest := range apart {
		assert.GreaterOrEqual(t, rest, hold, "after attempt %d", i+1)
		assert.LessOrEqual(t, rest, hold*6/5+time.Second, "after attempt %d", i+1)
		hold = min(30*time.Second, 2*hold)
	}
}

// F40: a call took longer than its token lives, but by then another replica has
// stored one. Whoever waits for the call gets that.
func TestF40ExpiredWhileOthersDidBetter(t *testing.T) {
	virtual(t, feishutest.Config{}, func(t *testing.T, f *fleet) {
		slow := f.replica(func(c *replicaConfig) { c.fetcher = &lazyFetcher{life: 2 * time.Second, takes: 3 * time.Second} })
		quick := f.replica(func(c *replicaConfig) { c.fetcher = &lazyFetcher{life: time.Hour, takes: 10 * time.Millisecond} })
		got := make(chan tokencache.Token)
		go func() {
			tok, err := slow.source.Get(context.Background())
			assert.NoError(t, err)
			got <- tok
		}()
		time.Sleep(time.Second)
		require.NoError(t, f.redis.Admin().Del(t.Context(), f.keyOf("lock")).Err()) // evicted
		want, err := quick.source.Get(context.Background())
		require.NoError(t, err)
		assert.True(t, want.Equal(<-got))
		assert.Equal(t, 1, slow.count(tokencache.EventPublish, "expired"))
		assert.Empty(t, key("failure")(f), "and nobody is held back")
	})
}

// F41: one replica cannot reach the issuer, or is not on its list of addresses.
// It is the first to try, but the others have the token soon, and with it the
// one that could not.
func TestF41OneReplicaCannotReachTheIssuer(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault func(f *fleet, req *http.Request) (*http.Response, error)
	}{
		{"DNS", func(*fleet, *http.Request) (*http.Response, error) {
			return nil, &net.DNSError{Err: "no such host", Name: "open.feishu.cn", IsNotFound: true}
		}},
		{"refused", func(*fleet, *http.Request) (*http.Response, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errForTest}
		}},
		{"IP list", func(_ *fleet, req *http.Request) (*http.Response, error) {
			denied := feishutest.New(feishutest.Config{})
			denied.SetFault(feishutest.Refusal(99991401, "ip denied"))
			return denied.RoundTripper().RoundTrip(req)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			virtual(t, feishutest.Config{Latency: 130 * time.Millisecond}, func(t *testing.T, f *fleet) {
				tried := 0
				lonely := f.replica(func(c *replicaConfig) {
					c.through = roundTrip(func(req *http.Request) (*http.Response, error) {
						tried++
						return test.fault(f, req)
					})
				})
				others := f.start(5)
				_, err := lonely.get(context.Background())
				refused, ok := errors.AsType[*tokencache.IssuerError](err)
				require.True(t, ok, "%v", err)
				assert.True(t, refused.Local)
				time.Sleep(time.Millisecond)
				together(others, func(r *replica) { r.within(2 * time.Second) })
				time.Sleep(10 * time.Second) // a cold one looks again every 5 s
				lonely.within(0)

				defer lonely.run()() // so that it goes first
				before := tried
				f.readAtOnce(f.replicas, time.Second, 12*time.Hour)
				stats := f.stats()
				assert.Equal(t, stats.Rotations, stats.Calls)
				assert.GreaterOrEqual(t, stats.Rotations, 12/2)
				assert.Greater(t, tried, before)
				// 3 to 5 min before the others begin, at most 30 s apart once doubled.
				assert.LessOrEqual(t, tried, stats.Rotations*25)
			})
		})
	}
}

// F41: with nobody else to help, such a replica keeps to its own backoff, however
// often it looks whether there is help.
func TestF41AloneKeepsToItsBackoff(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault feishutest.Fault
		tries [2]int // in 10 min
	}{
		{"reset", feishutest.Reset(), [2]int{20, 28}},
		{"IP list", feishutest.Refusal(99991401, "ip denied"), [2]int{4, 4}},
	} {
		t.Run(test.name, func(t *testing.T) {
			virtual(t, feishutest.Config{}, func(t *testing.T, f *fleet) {
				r := f.replica()
				f.issuer.SetFault(test.fault)
				end := time.Now().Add(10 * time.Minute)
				for time.Now().Before(end) {
					_, err := r.get(context.Background())
					assert.Error(t, err)
					time.Sleep(time.Second)
				}
				assert.GreaterOrEqual(t, f.stats().Refused, test.tries[0])
				assert.LessOrEqual(t, f.stats().Refused, test.tries[1])
			})
		})
	}
}

// Containers behind one host name are as many replicas. What none of them gets through is
// everybody's trouble, and what one restarts with is not another's.
func TestF41ReplicasOfOneName(t *testing.T) {
	for _, test := range []struct {
		name  string
		named func(i int) string
	}{
		{"one name", func(int) string { return "container" }},
		{"names of their own", func(i int) string { return fmt.Sprint("container ", i) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			virtual(t, feishutest.Config{}, func(t *testing.T, f *fleet) {
				for i := range 60 {
					f.replica(func(c *replicaConfig) { c.cache.Replica = test.named(i) })
				}
				f.issuer.SetFault(feishutest.Reset()) // no answer: Local
				minutes := [3]int{}
				for i := range minutes {
					before, end := f.stats().Refused, time.Now().Add(time.Minute)
					together(f.replicas, func(r *replica) {
						for time.Now().Before(end) {
							ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
							_, err := r.source.Get(ctx)
							cancel()
							assert.Error(t, err)
							time.Sleep(time.Second)
						}
					})
					minutes[i] = f.stats().Refused - before
				}
				t.Log(minutes)
				assert.LessOrEqual(t, minutes[0], 25, "a second apart, until more than 3 have met it, then doubling to 30 s")
				assert.LessOrEqual(t, minutes[1], 4, "one each 30 s")
				assert.LessOrEqual(t, minutes[2], 4)
				assert.Positive(t, minutes[2], "and the issuer is not given up")
			})
		})
	}
}
