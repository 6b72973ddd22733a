package tokencache_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// An error of a Fetcher is somebody else's code: whatever its methods do, when it comes or
// when somebody prints it later, no goroutine of the Cache ends the process.
func TestErrorsOfAFetcherAreNotTrusted(t *testing.T) {
	armed := true
	var none *tokencache.IssuerError
	for _, test := range []struct {
		name string
		err  error
		says string
	}{
		{"a nil *IssuerError", none, "nil *IssuerError"},
		{"a wrapped nil *IssuerError", fmt.Errorf("no: %w", none), "nil *IssuerError"},
		{"a nil pointer of another type", (*hostilePointer)(nil), "panicked"},
		{"its text panics", hostile{armed: &armed, text: true}, "panicked"},
		{"its cause panics", hostile{armed: &armed, unwrap: true}, "panicked"},
		{"errors.As panics", hostile{armed: &armed, asked: true}, "panicked"},
		{"errors.Is panics", hostile{armed: &armed, is: true}, "hostile"},
		{"the cause of an IssuerError", &tokencache.IssuerError{Issuer: "test", Message: "refused", Err: hostile{armed: &armed, text: true, is: true, unwrap: true, asked: true}}, "refused"},
		{"its text ends the goroutine", ends{}, "without an answer"},
	} {
		t.Run(test.name, func(t *testing.T) {
			virtual(t, feishutest.Config{}, func(t *testing.T, f *fleet) {
				var said collector
				r := f.replica(func(c *replicaConfig) {
					c.cache.Logger, c.cache.Observe = said.logger(), said.event
					c.fetcher = fetcherOf(func(context.Context) (tokencache.Token, error) {
						return tokencache.NewToken("a", "t", time.Hour), test.err
					})
				})
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				_, _, err := r.source.Refresh(ctx)
				refused, ok := errors.AsType[*tokencache.IssuerError](err)
				require.True(t, ok, "%v", err)
				assert.Contains(t, refused.Error(), test.says)
				assert.Equal(t, tokencache.ClassTransient, refused.Class)
				assert.NotErrorIs(t, err, errForTest)
				assert.False(t, errors.As(err, new(*hostilePointer)))
				assert.Equal(t, refused.Message, f.redis.Admin().HGet(t.Context(), key("failure")(f), "message").Val(), "the fleet has the same")
				_, err = r.source.Get(ctx)
				require.Error(t, err)
				synctest.Wait()
				assert.Contains(t, said.text(), test.says)
			})
		})
	}
	t.Run("later", func(t *testing.T) {
		virtual(t, feishutest.Config{}, func(t *testing.T, f *fleet) {
			armed = false
			r := f.replica(func(c *replicaConfig) {
				c.fetcher = fetcherOf(func(context.Context) (tokencache.Token, error) {
					return tokencache.Token{}, hostile{armed: &armed, text: true, is: true, unwrap: true, asked: true}
				})
			})
			_, _, err := r.source.Refresh(t.Context())
			require.Error(t, err)
			armed = true
			assert.ErrorContains(t, err, "hostile")
			assert.NotErrorIs(t, err, errForTest)
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			_, err = r.source.Get(ctx)
			assert.Error(t, err)
		})
	})
}

// Nil arguments, of any type, are errors where they are given.
func TestNilArgumentsAreErrors(t *testing.T) {
	for name, rdb := range map[string]redis.UniversalClient{
		"nil": nil, "Client": (*redis.Client)(nil), "ClusterClient": (*redis.ClusterClient)(nil), "Ring": (*redis.Ring)(nil),
	} {
		t.Run("New "+name, func(t *testing.T) {
			cache, err := tokencache.New(rdb, tokencache.Config{})
			require.ErrorContains(t, err, "New needs a redis client")
			assert.Nil(t, cache)
		})
	}
	for name, test := range map[string]struct {
		fetcher tokencache.Fetcher
		says    string
	}{
		"nil":               {nil, "needs a Fetcher"},
		"nil *Feishu":       {(*fetcher.Feishu)(nil), "*fetcher.Feishu panicked"},
		"nil func":          {fetcherOf(nil), "FetchFunc needs a function"},
		"Credential panics": {panicsAsked{}, "panicsAsked panicked with a *errors.errorString"},
		"FetchFunc zero":    {tokencache.FetchFunc(tokencache.Credential{}, nil), "make it with NewCredential"},
	} {
		t.Run("Source "+name, func(t *testing.T) {
			virtual(t, usual(), func(t *testing.T, f *fleet) {
				r := f.replica()
				s := r.cache.Source(test.fetcher)
				_, err := s.Get(t.Context())
				require.ErrorContains(t, err, test.says)
				_, _, err = s.Refresh(t.Context())
				require.ErrorContains(t, err, test.says)
				require.ErrorContains(t, s.Invalidate(t.Context(), tokencache.NewToken("a", "t", time.Hour)), test.says)
				_, err = s.Status(t.Context())
				require.ErrorContains(t, err, test.says)
				_, ok := s.Peek()
				assert.False(t, ok)
				_ = s.Close()
				r.mustGet()
			})
		})
	}
}

// What others say is one line, and short, wherever it goes: into Redis, to Observe, to the log,
// and back to callers; whether it came by an error or stands in Redis.
func TestForeignTextsAreCut(t *testing.T) {
	long := "\x1b[2J\r\nline\u202e\xff\x00" + strings.Repeat("界", 1<<19)
	sane := func(t *testing.T, what, s string, longest int) {
		t.Helper()
		assert.LessOrEqual(t, len(s), longest, what)
		assert.True(t, utf8.ValidString(s), what)
		assert.Equal(t, -1, strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }), "%s: %.40q", what, s)
	}
	saneError := func(t *testing.T, e *tokencache.IssuerError) {
		t.Helper()
		sane(t, "issuer", e.Issuer, 128)
		sane(t, "log id", e.LogID, 128)
		sane(t, "message", e.Message, 800)
		sane(t, "advice", e.Advice, 800)
	}
	for name, err := range map[string]error{
		"IssuerError": &tokencache.IssuerError{Issuer: long, Message: long, LogID: long, Advice: long, Class: tokencache.ClassQuota},
		"another":     errors.New(long),
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, usual(), func(t *testing.T, f *fleet) {
				r := f.replica(func(c *replicaConfig) {
					c.cache.Replica = long
					c.fetcher = fetcherOf(func(context.Context) (tokencache.Token, error) { return tokencache.Token{}, err })
				})
				_, _, err := r.source.Refresh(t.Context())
				refused, ok := errors.AsType[*tokencache.IssuerError](err)
				require.True(t, ok)
				saneError(t, refused)
				stored := f.redis.Admin().HGetAll(t.Context(), key("failure")(f)).Val()
				for _, field := range []string{"message", "advice", "issuer", "log_id", "by"} {
					assert.LessOrEqual(t, len(stored[field]), 800, field)
				}
				status, err := r.source.Status(t.Context())
				require.NoError(t, err)
				sane(t, "by", status.FailedBy, 128)
				assert.NotEmpty(t, status.FailedBy)
				synctest.Wait()
				for _, e := range r.events {
					if e.Err != nil {
						sane(t, e.Kind.String(), e.Err.Error(), 2000)
					}
				}
			})
		})
	}
	t.Run("in Redis", func(t *testing.T) {
		virtual(t, usual(), func(t *testing.T, f *fleet) {
			r := f.replica()
			r.mustGet()
			admin, failure := f.redis.Admin(), strings.Replace(f.tokenKey(), "}:token", "}:failure", 1)
			require.NoError(t, admin.HSet(t.Context(), f.tokenKey(), "fetched_by", long).Err())
			require.NoError(t, admin.HSet(t.Context(), failure, "until", "1", "attempts", "1", "class", "quota", "by", long, "issuer", long, "message", long, "log_id", long, "advice", long).Err())
			status, err := r.source.Status(t.Context())
			require.NoError(t, err)
			sane(t, "fetched by", status.FetchedBy, 128)
			sane(t, "failed by", status.FailedBy, 128)
			require.NotNil(t, status.Failure)
			saneError(t, status.Failure)
			assert.NotEmpty(t, status.Failure.Message)

			require.NoError(t, admin.HSet(t.Context(), "onetoken:{a:b\x1b:c}:token", "x", "y").Err())
			all, err := r.cache.Survey(t.Context())
			require.NoError(t, err)
			require.Len(t, all, 1, "no Issuer has such an id")
			sane(t, "id", all[0].ID, 500)
		})
	})
	t.Run("of Redis", func(t *testing.T) {
		virtual(t, usual(), func(t *testing.T, f *fleet) {
			r := f.replica()
			r.link.Fail("OOM "+strings.Repeat("\x1b[2J界", 1000), nil)
			_, err := r.source.Status(t.Context())
			require.ErrorIs(t, err, tokencache.ErrRedis)
			sane(t, "text", err.Error(), 1000)
			assert.ErrorContains(t, err, "redis OOM: ")
		})
	})
}

// hostile is an error of which some methods panic, once it is armed.
type hostile struct {
	armed                   *bool
	text, unwrap, is, asked bool
}

func (h hostile) check(panics bool) {
	if panics && *h.armed {
		panic(errForTest)
	}
}

func (h hostile) Error() string   { h.check(h.text); return "hostile" }
func (h hostile) Unwrap() error   { h.check(h.unwrap); return nil }
func (h hostile) Is(error) bool   { h.check(h.is); return false }
func (h hostile) As(any) bool     { h.check(h.asked); return false }
func (h hostile) Timeout() bool   { h.check(h.asked); return false }
func (h hostile) Temporary() bool { h.check(h.asked); return false }

type hostilePointer struct{ text string }

func (h *hostilePointer) Error() string { return h.text }

type ends struct{}

func (ends) Error() string { runtime.Goexit(); return "" }

type panicsAsked struct{ tokencache.Fetcher }

func (panicsAsked) Credential() tokencache.Credential { panic(errForTest) }
