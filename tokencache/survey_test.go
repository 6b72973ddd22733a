package tokencache_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// Survey shows every credential under its prefix, and nothing else.
func TestSurvey(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env redistest.Env) {
		ctx, admin := context.Background(), env.Admin()
		const prefix = `a*[b]?\c` // all that a pattern could take otherwise
		cache := newCache(t, env.Client("us"), tokencache.Config{Prefix: prefix, Replica: "r1"})
		none, err := cache.Survey(ctx)
		require.NoError(t, err)
		assert.Empty(t, none)

		key := func(app, kind string) string {
			return prefix + ":{" + answering(app, 0, time.Hour).Credential().ID() + "}:" + kind
		}
		for _, f := range []tokencache.Fetcher{
			answering("fresh", time.Minute, time.Hour),
			answering("due", time.Hour, time.Hour),
			answering("of others", 0, time.Hour),
			answering("rejected", 0, time.Hour),
		} {
			source := cache.Source(f)
			tok, err := source.Get(ctx)
			require.NoError(t, err)
			if f.Credential().App() == "rejected" {
				require.NoError(t, source.Invalidate(ctx, tok))
			}
		}
		require.NoError(t, admin.PExpire(ctx, key("due", "token"), 20*time.Minute).Err())
		_, err = newCache(t, env.Client("other"), tokencache.Config{Prefix: "axbyc"}).Source(answering("elsewhere", 0, time.Hour)).Get(ctx)
		require.NoError(t, err)
		refused := cache.Source(tokencache.FetchFunc(tokencache.MustCredential(tokencache.CredentialConfig{Issuer: "test", App: "refused"}), func(context.Context) (tokencache.Token, error) {
			return tokencache.Token{}, &tokencache.IssuerError{Issuer: "test", Code: 7, Message: "no", Class: tokencache.ClassPermanent}
		}))
		_, err = refused.Get(ctx)
		require.Error(t, err)
		require.NoError(t, admin.RPush(ctx, key("foreign", "token"), "theirs").Err())
		require.NoError(t, admin.Set(ctx, prefix+":{not ours}:token", "x", 0).Err())
		require.NoError(t, admin.Set(ctx, key("fresh", "note"), "x", 0).Err())

		all, err := cache.Survey(ctx)
		require.NoError(t, err)
		got := map[string]string{}
		var order []string
		for _, s := range all {
			got[s.App] = string(s.State)
			order = append(order, s.ID)
		}
		assert.Equal(t, map[string]string{
			"fresh": "fresh", "due": "due", "of others": "fresh", "refused": "absent", "foreign": "absent",
		}, got)
		assert.IsIncreasing(t, order)
		for _, s := range all {
			switch s.App {
			case "refused":
				require.NotNil(t, s.Failure)
				assert.Equal(t, 7, s.Failure.Code)
				assert.Positive(t, s.RetryIn)
			case "foreign":
				assert.Contains(t, s.Garbled, "WRONGTYPE")
			default:
				assert.Equal(t, "r1", s.FetchedBy)
				assert.Empty(t, s.Garbled)
			}
		}
	})
}

func TestSurveyOfThousands(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env redistest.Env) {
		ctx, admin := context.Background(), env.Admin()
		const many = 2500 // SCAN goes in steps of 1000
		for i := range many {
			require.NoError(t, admin.HSet(ctx, fmt.Sprintf("onetoken:{test:app%d:d}:failure", i), "attempts", "1").Err())
			require.NoError(t, admin.HSet(ctx, fmt.Sprintf("onetoken:{test:app%d:d}:token", i), "x", "y").Err())
		}
		all, err := newCache(t, env.Client("us"), tokencache.Config{}).Survey(ctx)
		require.NoError(t, err)
		assert.Len(t, all, many, "each once")
	})
}

func TestSurveyFails(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		r := f.replica()
		r.mustGet()
		r.link.Silence(true)
		start := time.Now()
		_, err := r.cache.Survey(context.Background())
		assert.ErrorIs(t, err, tokencache.ErrRedis)
		assert.Equal(t, time.Second, time.Since(start))

		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err = r.cache.Survey(ctx)
		assert.ErrorIs(t, err, context.DeadlineExceeded)

		r.stop()
		_, err = r.cache.Survey(context.Background())
		assert.ErrorIs(t, err, tokencache.ErrClosed)
	})
}

// Two credentials of one app are told apart by where their issuers are, as long as there is
// anything of them; what others write there is bounded and moves no cursor.
func TestSurveyTellsTheIssuersOfAnAppApart(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env redistest.Env) {
		ctx, admin := context.Background(), env.Admin()
		cache := newCache(t, env.Client("us"), tokencache.Config{Replica: "r1"})
		at := func(url string, err error) *tokencache.Source {
			credential := tokencache.MustCredential(tokencache.CredentialConfig{Issuer: "test", App: "one", Public: []string{"x", url}, Secret: []tokencache.Secret{tokencache.NewSecret("s")}})
			return cache.Source(tokencache.FetchFunc(credential, func(context.Context) (tokencache.Token, error) {
				return tokencache.NewToken("a", "t", time.Hour), err
			}))
		}
		stored, failed, rejected := at("https://a.example/x", nil), at("https://b.example", errors.New("no")), at("https://user:hunter2@c.example/?q=hunter2", nil)
		_, err := stored.Get(ctx)
		require.NoError(t, err)
		_, err = failed.Get(ctx)
		require.Error(t, err)
		_, err = rejected.Get(ctx)
		require.NoError(t, err)
		urls := func() map[string]string {
			all, err := cache.Survey(ctx)
			require.NoError(t, err)
			got := map[string]string{}
			for _, s := range all {
				got[s.ID] = s.IssuerURL
			}
			return got
		}
		assert.Equal(t, map[string]string{stored.ID(): "https://a.example/x", failed.ID(): "https://b.example", rejected.ID(): "https://c.example/"}, urls())

		key := "onetoken:{" + stored.ID() + "}:token"
		require.NoError(t, admin.HSet(ctx, key, "issuer_url", "https://\x1b[2J\n"+strings.Repeat("x", 1000)).Err())
		got := urls()[stored.ID()]
		assert.True(t, strings.HasPrefix(got, "https:// [2J x"), "%q", got)
		assert.LessOrEqual(t, len(got), 128)
		own, err := stored.Status(ctx)
		require.NoError(t, err)
		assert.Equal(t, "https://a.example/x", own.IssuerURL, "who has the credential knows")
		require.NoError(t, admin.HDel(ctx, key, "issuer_url").Err())
		assert.Empty(t, urls()[stored.ID()], "a record of before")
	})
}

func newCache(t *testing.T, rdb redis.UniversalClient, c tokencache.Config) *tokencache.Cache {
	t.Helper()
	cache, err := tokencache.New(rdb, c)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, cache.Close()) })
	return cache
}
