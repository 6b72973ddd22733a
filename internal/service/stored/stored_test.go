package stored_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/internal/service/config"
	"github.com/onetoken-go/onetoken/internal/service/stored"
	"github.com/onetoken-go/onetoken/tokencache"
	"github.com/onetoken-go/onetoken/tokencache/tokencachetest"
)

// issuer is one whose calls are counted.
type issuer struct{ *tokencachetest.Fetcher }

func (issuer) Unencrypted() bool { return false }

// stage has a Redis in which a service has left what is stored, and a Cache that looks.
type stage struct {
	*redistest.Bubble
	service, onlooker *tokencache.Cache
}

func inBubble(t *testing.T, play func(*testing.T, *stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &stage{Bubble: redistest.NewBubble(t)}
		for name, cache := range map[string]**tokencache.Cache{"service": &s.service, "onlooker": &s.onlooker} {
			c, err := tokencache.New(s.Client(name, func(o *redis.Options) { o.PoolSize = 64 }), tokencache.Config{Replica: name})
			require.NoError(t, err)
			*cache = c
		}
		defer func() {
			_ = s.service.Close()
			_ = s.onlooker.Close()
		}()
		play(t, s)
	})
}

func named(name string, f *tokencachetest.Fetcher) config.Credential {
	return config.Credential{Name: name, Fetcher: issuer{f}}
}

// Each is told by its name in the file: with a token, with none, and with a failure.
func TestLook(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stage) {
		kept, refused, fresh, off := tokencachetest.NewFetcher("cli_kept"), tokencachetest.NewFetcher("cli_refused"), tokencachetest.NewFetcher("cli_new"), tokencachetest.NewFetcher("cli_off")
		refused.Fail(&tokencache.IssuerError{Issuer: "test", Code: 7, Message: "wrong secret", Class: tokencache.ClassPermanent})
		_, err := s.service.Source(kept).Get(t.Context())
		require.NoError(t, err)
		_, err = s.service.Source(refused).Get(t.Context())
		require.Error(t, err)
		calls := kept.Calls() + refused.Calls()
		before := s.Server().Dump()

		disabled := named("off", off)
		disabled.Disabled = true
		seen, err := stored.Look(t.Context(), s.onlooker, []config.Credential{named("crm", kept), named("again", kept), named("hr", refused), named("new", fresh), disabled})
		require.NoError(t, err)
		assert.Len(t, seen, 4, "nothing of the disabled")
		assert.Equal(t, tokencache.StateFresh, seen["crm"].State)
		assert.Equal(t, "service", seen["crm"].FetchedBy)
		assert.Equal(t, seen["crm"], seen["again"], "two names of one credential")
		assert.Equal(t, tokencache.StateAbsent, seen["hr"].State)
		require.NotNil(t, seen["hr"].Failure)
		assert.Equal(t, 7, seen["hr"].Failure.Code)
		assert.Equal(t, tokencache.StateAbsent, seen["new"].State)
		assert.Nil(t, seen["new"].Failure)

		assert.Equal(t, before, s.Server().Dump(), "it writes nothing")
		assert.Equal(t, calls, kept.Calls()+refused.Calls(), "and asks no issuer")
		assert.Zero(t, fresh.Calls()+off.Calls())
	})
}

func TestLookAtNone(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stage) {
		seen, err := stored.Look(t.Context(), s.onlooker, nil)
		require.NoError(t, err)
		assert.Empty(t, seen)
		assert.NotNil(t, seen, "nothing is known to be there")
	})
}

// With an error nothing is known of any.
func TestLookInVain(t *testing.T) {
	many := make([]config.Credential, 50)
	for i := range many {
		many[i] = named(fmt.Sprintf("app-%d", i), tokencachetest.NewFetcher(fmt.Sprintf("cli_%d", i)))
	}
	inBubble(t, func(t *testing.T, s *stage) {
		undo := s.FailCommands("ERR no", nil)
		seen, err := stored.Look(t.Context(), s.onlooker, many)
		_, isRedis := errors.AsType[*tokencache.RedisError](err)
		assert.True(t, isRedis, "%v", err)
		assert.Nil(t, seen)
		undo()

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		seen, err = stored.Look(ctx, s.onlooker, many)
		assert.ErrorIs(t, err, context.Canceled)
		assert.Nil(t, seen)
	})
}

// No more than 16 questions are under way, however many credentials there are.
func TestLookIsBounded(t *testing.T) {
	const many, most = 100, 16
	inBubble(t, func(t *testing.T, s *stage) {
		link := s.Link("onlooker")
		_, err := stored.Look(t.Context(), s.onlooker, []config.Credential{named("first", tokencachetest.NewFetcher("cli_first"))})
		require.NoError(t, err) // by which Redis has the script
		link.ResetCounts()
		link.DelayReplies(-1, 100*time.Millisecond, redistest.Commands("EVALSHA"))
		all := make([]config.Credential, many)
		for i := range all {
			all[i] = named(fmt.Sprintf("app-%d", i), tokencachetest.NewFetcher(fmt.Sprintf("cli_%d", i)))
		}
		done := make(chan map[string]tokencache.Status)
		go func() {
			seen, err := stored.Look(t.Context(), s.onlooker, all)
			assert.NoError(t, err)
			done <- seen
		}()
		synctest.Wait()
		assert.Equal(t, most, link.Count("EVALSHA"))
		assert.Len(t, <-done, many)
		assert.Equal(t, many, link.Count("EVALSHA"), "a question each")
	})
}
