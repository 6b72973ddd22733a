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

// F33: versions differ within a fleet while it is rolled out. What a newer one
// adds is ignored, what an older one leaves out is not needed.
func TestF33OtherVersions(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(t *testing.T, f *fleet, admin *redis.Client)
	}{
		{"newer adds a field to the record", func(t *testing.T, f *fleet, admin *redis.Client) {
			require.NoError(t, admin.HSet(t.Context(), f.tokenKey(), "user_access_token", "u-1", "zone", "eu").Err())
		}},
		{"older has no checked_at", func(t *testing.T, f *fleet, admin *redis.Client) {
			require.NoError(t, admin.HDel(t.Context(), f.tokenKey(), "checked_at", "fetched_by", "fetched_at").Err())
		}},
		{"newer sends events of another kind", func(t *testing.T, f *fleet, admin *redis.Client) {
			require.NoError(t, admin.Publish(t.Context(), "onetoken:{"+f.id()+"}:events", "Q what is this").Err())
			require.NoError(t, admin.Publish(t.Context(), "onetoken:{"+f.id()+"}:events", "").Err())
		}},
		{"newer has other keys", func(t *testing.T, f *fleet, admin *redis.Client) {
			require.NoError(t, admin.Set(t.Context(), "onetoken:{"+f.id()+"}:token2", "x", time.Hour).Err())
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			virtual(t, feishutest.Config{}, func(t *testing.T, f *fleet) {
				warm := f.replica()
				tok := warm.mustGet()
				time.Sleep(time.Second)
				test.change(t, f, f.redis.Admin())
				cold := f.replica()
				assert.True(t, cold.within(0).Equal(tok))
				read(f.replicas, time.Second, 8*time.Hour)
				stats := f.stats()
				assert.Equal(t, stats.Rotations, stats.Calls)
				assert.Zero(t, f.count(tokencache.EventGarbled, ""))
				assert.Equal(t, 1, warm.count(tokencache.EventWait, ""))
				assert.Equal(t, 1, cold.count(tokencache.EventWait, ""))
			})
		})
	}
}

// F33: a failure of a class that only a newer version knows is an unknown one,
// and holds for as long as it says.
func TestF33FailureOfANewerVersion(t *testing.T) {
	virtual(t, feishutest.Config{}, func(t *testing.T, f *fleet) {
		f.issuer.FailNext(1, feishutest.RateLimited("Retry-After", "20"))
		first, second := f.replica(), f.replica()
		_, err := first.get(context.Background())
		require.Error(t, err)
		failure := f.keyOf("failure")
		require.NoError(t, f.redis.Admin().HSet(t.Context(), failure, "class", "of_a_newer_kind", "color", "red").Err())

		start := time.Now()
		second.mustGet()
		assert.GreaterOrEqual(t, time.Since(start), 20*time.Second)
		assert.LessOrEqual(t, time.Since(start), 25*time.Second)
		assert.Equal(t, 1, f.stats().Calls)
		assert.Equal(t, 1, f.stats().Refused)
	})
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

func (f *fleet) allKeys() []string {
	keys, err := f.redis.Admin().Keys(context.Background(), "*").Result()
	require.NoError(f.t, err)
	slices.Sort(keys)
	return keys
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

// F35: whatever is wrong with a configuration is said at once, by name, before
// anything starts.
func TestF35ConfigErrorsAllAtOnce(t *testing.T) {
	_, err := tokencache.New(nil, tokencache.Config{Prefix: "a{b}", FetchTimeout: 28 * time.Second, RedisTimeout: 49 * time.Millisecond})
	for _, name := range []string{"Prefix", "FetchTimeout", "RedisTimeout", "redis client"} {
		assert.ErrorContains(t, err, name)
	}
}

// F35: each bound by itself.
func TestF35ConfigBounds(t *testing.T) {
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"})
	defer func() { require.NoError(t, rdb.Close()) }()
	for _, test := range []struct {
		name   string
		config tokencache.Config
		fails  string
	}{
		{"zero", tokencache.Config{}, ""},
		{"prefix with a space", tokencache.Config{Prefix: "one token"}, "Prefix"},
		{"prefix with a newline", tokencache.Config{Prefix: "onetoken\n"}, "Prefix"},
		{"prefix with a brace", tokencache.Config{Prefix: "}"}, "Prefix"},
		{"prefix with a colon", tokencache.Config{Prefix: "prod:onetoken"}, ""},
		{"negative FetchTimeout", tokencache.Config{FetchTimeout: -1}, "FetchTimeout"},
		{"28 s - 1 ns", tokencache.Config{FetchTimeout: 28*time.Second - 1}, ""},
		{"28 s", tokencache.Config{FetchTimeout: 28 * time.Second}, "FetchTimeout"},
		{"negative RedisTimeout", tokencache.Config{RedisTimeout: -1}, "RedisTimeout"},
		{"50 ms", tokencache.Config{RedisTimeout: 50 * time.Millisecond}, ""},
		{"50 ms - 1 ns", tokencache.Config{RedisTimeout: 50*time.Millisecond - 1}, "RedisTimeout"},
		{"10 s", tokencache.Config{RedisTimeout: 10 * time.Second}, ""},
		{"10 s + 1 ns", tokencache.Config{RedisTimeout: 10*time.Second + 1}, "RedisTimeout"},
	} {
		t.Run(test.name, func(t *testing.T) {
			cache, err := tokencache.New(rdb, test.config)
			if test.fails == "" {
				require.NoError(t, err)
				require.NoError(t, cache.Close())
				return
			}
			require.ErrorContains(t, err, test.fails)
			assert.Nil(t, cache)
		})
	}
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
