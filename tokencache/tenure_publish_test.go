package tokencache_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
)

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

// F23: Redis' own clock steps between the read and the publish of a call. The
// stored life may come out shorter, never longer than the issuer's.
func TestF23RedisTimeStepsDuringACall(t *testing.T) {
	for _, test := range []struct {
		name string
		step time.Duration
		want time.Duration
	}{
		{"10 min ahead", 10 * time.Minute, 110 * time.Minute},
		{"10 min back", -10 * time.Minute, 2 * time.Hour},
		{"not at all", 0, 2 * time.Hour},
	} {
		t.Run(test.name, func(t *testing.T) {
			var f *fleet
			step := func() { f.redis.Server().SetTime(time.Now().Add(test.step)) }
			virtual(t, feishutest.Config{OnRequest: func() { step() }}, func(t *testing.T, started *fleet) {
				f = started
				f.redis.Server().SetTime(time.Now())
				r := f.replica()
				tok := r.within(0)
				assert.Equal(t, test.want, f.ttl(f.tokenKey()))
				assert.LessOrEqual(t, time.Until(tok.Expiry()), test.want)
			})
		})
	}
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

// ttl is what is left of a key, which must have an end.
func (f *fleet) ttl(key string) time.Duration {
	f.t.Helper()
	require.NotEmpty(f.t, key, "no such key")
	ttl, err := f.redis.Admin().PTTL(context.Background(), key).Result()
	require.NoError(f.t, err)
	require.Positive(f.t, ttl, "a key without an end")
	return ttl
}
