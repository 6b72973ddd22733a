package tokencache_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// Close lets a call under way publish and release its lock; those who wait for
// it are told at once. It waits for that, and may be called again.
func TestCloseDuringACall(t *testing.T) {
	virtual(t, feishutest.Config{Latency: 3 * time.Second}, func(t *testing.T, f *fleet) {
		r, other := f.replica(), f.replica()
		told := make(chan time.Time, 2)
		go func() {
			_, err := r.get(context.Background())
			assert.ErrorIs(t, err, tokencache.ErrClosed)
			told <- time.Now()
		}()
		go func() {
			time.Sleep(time.Millisecond) // the first call is an ordinary one
			_, _, err := r.source.Refresh(context.Background())
			assert.ErrorIs(t, err, tokencache.ErrClosed)
			told <- time.Now()
		}()
		time.Sleep(time.Second)

		start := time.Now()
		var closers sync.WaitGroup
		for range 3 {
			closers.Go(r.stop)
		}
		assert.Equal(t, start, <-told, "who waits does not wait for the call")
		assert.Equal(t, start, <-told)
		closers.Wait()
		assert.Equal(t, 2*time.Second, time.Since(start))
		assert.Equal(t, 1, r.count(tokencache.EventPublish, "stored"))
		assert.Empty(t, key("lock")(f))
		other.within(0)
		assert.Equal(t, 1, f.stats().Calls)
		start = time.Now()
		r.stop()
		assert.Zero(t, time.Since(start))
	})
}

// Close has a limit, whatever hangs.
func TestCloseHasALimit(t *testing.T) {
	for _, test := range []struct {
		name  string
		hangs func(f *fleet, r *replica)
		fetch tokencache.Fetcher
		limit time.Duration
	}{
		{"a silent redis before the call", func(_ *fleet, r *replica) { r.link.Silence(true) }, nil, 4 * time.Second},
		{"a silent redis during the call", func(_ *fleet, r *replica) {
			time.AfterFunc(time.Second, func() { r.link.Silence(true) })
		}, nil, 10*time.Second + 4*time.Second},
		{"an issuer that never answers", func(f *fleet, _ *replica) { f.issuer.SetFault(feishutest.Timeout()) }, nil, 10 * time.Second},
		{"a Fetcher that ignores its context", func(*fleet, *replica) {}, deafFetcher{}, 10*time.Second + 100*time.Millisecond},
	} {
		t.Run(test.name, func(t *testing.T) {
			virtual(t, feishutest.Config{Latency: 5 * time.Second}, func(t *testing.T, f *fleet) {
				r := f.replica(func(c *replicaConfig) { c.fetcher = test.fetch })
				test.hangs(f, r)
				go func() { _, _ = r.get(context.Background()) }()
				time.Sleep(500 * time.Millisecond)
				start := time.Now()
				r.stop()
				assert.LessOrEqual(t, time.Since(start), test.limit)
				r.link.Heal()
				time.Sleep(time.Minute) // what ignored its end comes to one
			})
		})
	}
}

// After Close everything says so, a usable copy or not.
func TestClosed(t *testing.T) {
	virtual(t, feishutest.Config{}, func(t *testing.T, f *fleet) {
		r := f.replica()
		tok := r.mustGet()
		r.stop()
		f.resetCounts()
		later := r.cache.Source(deafFetcher{})
		for _, source := range []*tokencache.Source{r.source, later} {
			assertClosed(t, source, tok)
		}
		_ = r.source.Close()
		assert.Zero(t, r.link.Count())
		assert.True(t, f.issuer.Valid(tok.AppAccessToken()), "a token in hand is as good as before")
	})
}

// Equal Issuers share a Source, whichever Fetcher came first.
func TestSourceIsShared(t *testing.T) {
	virtual(t, feishutest.Config{}, func(t *testing.T, f *fleet) {
		r := f.replica()
		var first, second journal
		a := r.cache.Source(first.fetcher("app"))
		assert.Same(t, a, r.cache.Source(second.fetcher("app")))
		assert.NotSame(t, a, r.cache.Source(first.fetcher("other")))
		_, err := a.Get(context.Background())
		require.NoError(t, err)
		assert.Len(t, first.taken(), 1)
		assert.Empty(t, second.taken())
	})
}

// Close ends a Source; what is in Redis stays, and a new Source finds it there.
func TestCloseOfASource(t *testing.T) {
	virtual(t, feishutest.Config{}, func(t *testing.T, f *fleet) {
		r := f.replica()
		defer r.run()()
		tok := r.mustGet()
		time.Sleep(time.Second)
		channel := "onetoken:{" + f.id() + "}:events"
		require.EqualValues(t, 1, f.subscribers(channel))

		old := r.source
		_ = old.Close()
		assertClosed(t, old, tok)
		time.Sleep(time.Second)
		assert.EqualValues(t, 0, f.subscribers(channel))
		f.resetCounts()
		time.Sleep(3 * time.Hour)
		assert.Zero(t, r.link.Count(), "nobody refreshes it")
		assert.Equal(t, 1, f.stats().Calls)

		other := f.replica()
		want := other.mustGet()
		r.source = r.cache.Source(f.feishu())
		assert.NotSame(t, old, r.source)
		assert.True(t, r.within(0).Equal(want))
		assert.Equal(t, 2, f.stats().Calls)
		_ = old.Close() // long gone: the new one is not concerned
		assert.Same(t, r.source, r.cache.Source(f.feishu()))
		assert.True(t, r.within(0).Equal(want))
	})
}

// A Ring would spread a credential over servers that know nothing of each other.
func TestRingIsRefused(t *testing.T) {
	ring := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"a": "127.0.0.1:1"}})
	defer ring.Close()
	_, err := tokencache.New(ring, tokencache.Config{})
	assert.ErrorContains(t, err, "ClusterClient")
}

// Close of a Source while a call is under way: those who wait are told, the fleet gets the
// token all the same.
func TestForgetDuringACall(t *testing.T) {
	virtual(t, feishutest.Config{Latency: 3 * time.Second}, func(t *testing.T, f *fleet) {
		r, other := f.replica(), f.replica()
		told := make(chan time.Time)
		go func() {
			_, err := r.get(context.Background())
			assert.ErrorIs(t, err, tokencache.ErrClosed)
			told <- time.Now()
		}()
		time.Sleep(time.Second)
		_ = r.source.Close()
		assert.Equal(t, time.Now(), <-told)
		other.within(2*time.Second + 10*time.Millisecond)
		assert.Equal(t, 1, f.stats().Calls)
		time.Sleep(time.Second)
		assert.Empty(t, key("lock")(f))
	})
}

// A Source that never was of use is closed like any other, and says nothing of another that has its ID.
func TestCloseOfABrokenSource(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		r := f.replica()
		r.mustGet()
		broken := r.cache.Source(tokencache.FetchFunc(f.credential(), nil))
		require.NotSame(t, r.source, broken)
		require.NoError(t, broken.Close())
		assert.True(t, broken.Closed())
		synctest.Wait()
		assert.Zero(t, r.count(tokencache.EventClosed, ""))
		require.NoError(t, r.source.Close())
		synctest.Wait()
		assert.Equal(t, 1, r.count(tokencache.EventClosed, ""))
	})
}

// F8: a replica is asked to end while it holds the lock. Close lets the call
// finish, publishes and releases; who waits is told at once.
func TestF8CloseWhileHolding(t *testing.T) {
	t.Run("issuer answers", func(t *testing.T) {
		virtual(t, feishutest.Config{Latency: 3 * time.Second}, func(t *testing.T, f *fleet) {
			r, other := f.replica(), f.replica()
			got := r.getting(t.Context())
			time.Sleep(time.Second)
			waiting := other.getting(t.Context())
			start := time.Now()
			require.NoError(t, r.cache.Close())
			assert.Equal(t, 2*time.Second, time.Since(start))
			assert.Empty(t, f.lockKeyAfter())
			assert.NotEmpty(t, f.stored())
			require.ErrorIs(t, (<-got).err, tokencache.ErrClosed)
			require.NoError(t, (<-waiting).err)
			assert.Equal(t, 1, f.stats().Calls)
		})
	})
	t.Run("issuer does not", func(t *testing.T) {
		virtual(t, feishutest.Config{Latency: time.Hour}, func(t *testing.T, f *fleet) {
			r := f.replica()
			got := r.getting(t.Context())
			time.Sleep(time.Second)
			start := time.Now()
			require.NoError(t, r.cache.Close())
			assert.Equal(t, 9*time.Second, time.Since(start))
			require.Error(t, (<-got).err)
			assert.Empty(t, f.lockKeyAfter())
		})
	})
	t.Run("neither does redis", func(t *testing.T) {
		virtual(t, feishutest.Config{Latency: time.Hour}, func(t *testing.T, f *fleet) {
			r := f.replica()
			r.getting(t.Context())
			time.Sleep(time.Second)
			r.link.Silence(true)
			start := time.Now()
			require.NoError(t, r.cache.Close())
			assert.Less(t, time.Since(start), 14*time.Second)
			time.Sleep(5 * time.Second)
			assert.Empty(t, f.lockKeyAfter(), "the lease is over")
		})
	})
}

// F8: Close comes while a fill that has just got the lock looks again. It does not ask the issuer any
// more, and leaves the lock.
func TestF8CloseBeforeTheCall(t *testing.T) {
	virtual(t, feishutest.Config{Latency: latency, MintEveryCall: true}, func(t *testing.T, f *fleet) {
		r := f.replica()
		f.sleepUntilLeft(r.mustGet(), 20*time.Minute)
		scripts, locked := 0, make(chan struct{})
		goOn := r.link.Hold(func(name string, _ []string) bool {
			if name == "EVALSHA" {
				scripts++
			}
			if scripts == 3 { // the look under the lock
				close(locked)
			}
			return scripts == 3
		})
		r.mustGet()
		<-locked
		time.AfterFunc(100*time.Millisecond, goOn)
		require.NoError(t, r.cache.Close())
		assert.Equal(t, 1, f.stats().Calls)
		assert.Empty(t, f.lockKeyAfter())
	})
}

// F35: a missing Credential is named by every method, without any I/O.
func TestF35NoCredential(t *testing.T) {
	virtual(t, feishutest.Config{}, func(t *testing.T, f *fleet) {
		ctx := context.Background()
		r := f.replica(func(c *replicaConfig) {
			c.fetcher = tokencache.FetchFunc(tokencache.Credential{}, nil)
		})
		_, getErr := r.source.Get(ctx)
		_, _, refreshErr := r.source.Refresh(ctx)
		_, statusErr := r.source.Status(ctx)
		invalidateErr := r.source.Invalidate(ctx, tokencache.NewToken("a", "t", time.Hour))
		for _, err := range []error{getErr, refreshErr, statusErr, invalidateErr} {
			for _, name := range []string{"NewCredential", "FetchFunc needs a function"} {
				assert.ErrorContains(t, err, name)
			}
		}
		assert.Zero(t, r.link.Dials())
	})
}

// deafFetcher answers after half a minute, whatever its ctx says.
type deafFetcher struct{}

func (deafFetcher) Credential() tokencache.Credential {
	return tokencache.MustCredential(tokencache.CredentialConfig{Issuer: "deaf", App: "app"})
}

func (deafFetcher) Fetch(context.Context) (tokencache.Token, error) {
	time.Sleep(30 * time.Second)
	return tokencache.Token{}, errForTest
}

func assertClosed(t *testing.T, source *tokencache.Source, tok tokencache.Token) {
	t.Helper()
	ctx := context.Background()
	_, err := source.Get(ctx)
	assert.ErrorIs(t, err, tokencache.ErrClosed)
	_, _, err = source.Refresh(ctx)
	assert.ErrorIs(t, err, tokencache.ErrClosed)
	_, err = source.Status(ctx)
	assert.ErrorIs(t, err, tokencache.ErrClosed)
	assert.ErrorIs(t, source.Invalidate(ctx, tok), tokencache.ErrClosed)
}
