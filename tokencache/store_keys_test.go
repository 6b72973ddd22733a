package tokencache_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// F22: every key of a credential has the same hash tag, so that a cluster keeps
// them in one slot; also when the app's id has characters that mean something.
func TestF22OneHashTag(t *testing.T) {
	for _, app := range []string{"cli_test", "a{b}c", "}{", "über uns:\n"} {
		t.Run(app, func(t *testing.T) {
			virtual(t, feishutest.Config{}, func(t *testing.T, f *fleet) {
				issuer := tokencache.MustCredential(tokencache.CredentialConfig{Issuer: "x{y", App: app})
				n := 0
				r := f.replica(func(c *replicaConfig) {
					c.fetcher = tokencache.FetchFunc(issuer, func(context.Context) (tokencache.Token, error) {
						if n++; n == 2 {
							return tokencache.Token{}, errForTest
						}
						return tokencache.NewToken("a"+strings.Repeat("x", n), "t", time.Hour), nil
					})
				})
				keys := seeKeys(r.link)
				ctx := context.Background()
				bad, err := r.source.Get(ctx)
				require.NoError(t, err)
				time.Sleep(time.Second)
				require.NoError(t, r.source.Invalidate(ctx, bad))
				_, err = r.source.Get(ctx)
				require.ErrorIs(t, err, errForTest)

				kinds := map[string]bool{}
				for _, k := range keys() {
					before, rest, _ := strings.Cut(k, "{")
					tag, kind, ok := strings.Cut(rest, "}:")
					require.True(t, ok, k)
					assert.Equal(t, "onetoken:", before)
					assert.NotEmpty(t, tag)
					assert.NotContains(t, tag, "}", "the tag ends at the first brace")
					assert.Equal(t, f.id(), tag)
					kind, _, _ = strings.Cut(kind, ":")
					kinds[kind] = true
				}
				assert.Equal(t, map[string]bool{"token": true, "lock": true, "failure": true, "rejected": true, "refused": true, "events": true}, kinds)
			})
		})
	}
}

// F34: what must not share does not: another prefix, another app, another secret.
func TestF34WrongPrefix(t *testing.T) {
	virtual(t, feishutest.Config{}, func(t *testing.T, f *fleet) {
		right := f.replica()
		wrong := f.replica(func(c *replicaConfig) { c.cache.Prefix = "one:token" })
		right.mustGet()
		wrong.mustGet()
		time.Sleep(time.Millisecond) // the lock is released after the waiters are served
		assert.Equal(t, 2, f.stats().Calls, "each asks for itself; the issuer has but one token")
		assert.Equal(t, 1, f.stats().Rotations)
		assert.Equal(t, []string{"one:token:{" + f.id() + "}:token", "onetoken:{" + f.id() + "}:token"}, f.allKeys())
	})
}

// F34: two apps in one process have a token each, and a rejection, a failure or
// a Close of one leaves the other alone.
func TestF34TwoAppsInOneProcess(t *testing.T) {
	virtual(t, feishutest.Config{}, func(t *testing.T, f *fleet) {
		ctx := context.Background()
		r, other := f.replica(), feishutest.New(feishutest.Config{AppID: "cli_other", AppSecret: "other-secret"})
		feishu, err := fetcher.NewFeishu(fetcher.FeishuConfig{AppID: other.AppID(), AppSecret: tokencache.NewSecret(other.AppSecret()), Transport: other.RoundTripper()})
		require.NoError(t, err)
		second := r.cache.Source(feishu)
		assert.NotSame(t, r.source, second)
		assert.Same(t, second, r.cache.Source(feishu))

		tok := r.mustGet()
		theirs, err := second.Get(ctx)
		require.NoError(t, err)
		assert.True(t, other.Valid(theirs.AppAccessToken()))
		assert.False(t, theirs.Equal(tok))
		time.Sleep(time.Second)

		other.Revoke(theirs.AppAccessToken())
		require.NoError(t, second.Invalidate(ctx, theirs))
		assert.True(t, r.within(0).Equal(tok))
		other.SetFault(feishutest.WrongSecret())
		_, err = second.Get(ctx)
		require.Error(t, err)
		assert.True(t, r.within(0).Equal(tok))
		_ = second.Close()
		assert.True(t, r.within(0).Equal(tok))
		assert.Equal(t, 1, f.stats().Calls)
	})
}

// F34: a wrong secret never reads what the right one got, nor holds it back.
func TestF34TwoSecretsOfOneApp(t *testing.T) {
	virtual(t, feishutest.Config{}, func(t *testing.T, f *fleet) {
		right := f.replica()
		wrong := f.replica(func(c *replicaConfig) { c.secret = "of-yesterday" })
		tok := right.mustGet()
		_, err := wrong.get(context.Background())
		require.Error(t, err)
		time.Sleep(time.Second)
		_, err = wrong.get(context.Background())
		require.Error(t, err)
		assert.True(t, right.within(0).Equal(tok))
		assert.True(t, f.replica().within(0).Equal(tok))
		assert.Equal(t, 1, f.stats().Calls)
		assert.Equal(t, 1, f.stats().Refused)
	})
}

// F34: two fleets in two databases of one Redis, with one credential. Their keys are apart, but
// channels know no databases: with one prefix they hear of each other's tokens, which are good
// for both, and of each other's rejections, which they heed. With two they do not.
func TestF34TwoDatabasesOfOneRedis(t *testing.T) {
	for prefix, hear := range map[string]bool{"onetoken": true, "onetoken-staging": false} {
		t.Run(prefix, func(t *testing.T) {
			virtual(t, feishutest.Config{}, func(t *testing.T, f *fleet) {
				first, second := f.start(3, inDatabase(0, "onetoken")), f.start(3, inDatabase(1, prefix))
				withinAll(first, time.Second)
				withinAll(second, time.Second)
				f.redis.Each((*redistest.Link).ResetCounts)
				before := f.stats()
				read(f.replicas, time.Second, 24*time.Hour)

				rotations := f.stats().Rotations - before.Rotations
				require.Greater(t, rotations, 12)
				calls := 2 * rotations // one of each fleet
				if hear {
					calls = rotations
				}
				assert.Equal(t, calls, f.stats().Calls-before.Calls)
				for _, r := range f.replicas {
					assert.LessOrEqual(t, r.link.Count()-r.link.Count("PUBLISH"), 6*rotations, "%v", r.link.Counts())
				}

				tok := first[0].mustGet()
				require.True(t, f.issuer.Revoke(tok.AppAccessToken()))
				require.NoError(t, first[0].source.Invalidate(t.Context(), tok))
				time.Sleep(time.Millisecond)
				for _, r := range second {
					_, ok := r.source.Peek()
					assert.Equal(t, !hear, ok, "its own rejection will tell")
				}
				read(first, time.Second, time.Minute)
				if hear {
					read(second, time.Second, time.Minute)
				}
			})
		})
	}
}

// F34: a token is in the database of who asked for it, and nowhere else: who starts in another
// asks.
func TestF34TokensStayInTheirDatabase(t *testing.T) {
	virtual(t, feishutest.Config{MintEveryCall: true}, func(t *testing.T, f *fleet) {
		first := f.replica(inDatabase(0, "")).mustGet()
		second := f.replica(inDatabase(1, "")).mustGet()
		assert.False(t, first.Equal(second))
		assert.Equal(t, 2, f.stats().Calls)
	})
}

// seeKeys returns what returns all keys and channels that have gone through a
// link since.
func seeKeys(link *redistest.Link) func() []string {
	var mu sync.Mutex
	var keys []string
	link.Fail("never", func(name string, args []string) bool {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case strings.HasPrefix(name, "EVAL"):
			keys = append(keys, args[2:2+int(args[1][0]-'0')]...)
		case strings.HasSuffix(name, "SUBSCRIBE"):
			keys = append(keys, args...)
		case len(args) > 0 && name != "HELLO" && name != "CLIENT" && name != "SCRIPT":
			keys = append(keys, args[0])
		}
		return false
	})
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(keys)
	}
}

func (f *fleet) allKeys() []string {
	keys, err := f.redis.Admin().Keys(context.Background(), "*").Result()
	require.NoError(f.t, err)
	slices.Sort(keys)
	return keys
}

func inDatabase(number int, prefix string) option {
	return func(c *replicaConfig) {
		c.cache.Prefix = prefix
		c.redis = append(c.redis, func(o *redis.Options) { o.DB = number })
	}
}
