package tokencache_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// I5: a hook of the Redis client, such as go-redis' tracing, sees tokens nowhere, as they are
// sealed before Redis is sent any, nor the app secret; the password of Redis it sees in the
// arguments of HELLO.
func TestI5WhatHooksSee(t *testing.T) {
	virtual(t, feishutest.Config{MintEveryCall: true, Latency: 6 * time.Second}, func(t *testing.T, f *fleet) {
		ctx, hook := t.Context(), &tracer{}
		f.redis.RequirePassword(redisPassword)
		link := f.redis.Link("hooked")
		source := func() (*tokencache.Cache, *tokencache.Source) {
			rdb := f.redis.Client("hooked", func(o *redis.Options) { o.Password = redisPassword })
			rdb.AddHook(hook)
			cache, err := tokencache.New(rdb, tokencache.Config{Jitter: f.jitter, Logger: slog.New(slog.DiscardHandler)})
			require.NoError(t, err)
			t.Cleanup(func() { assert.NoError(t, cache.Close()) })
			return cache, cache.Source(f.feishu())
		}
		cache, a := source()
		_, b := source()
		use := func() {
			for _, s := range []*tokencache.Source{a, b} {
				tok, err := s.Get(ctx)
				time.Sleep(time.Minute)
				_, _ = s.Status(ctx)
				_, _ = s.Stored(ctx)
				_, _, _ = s.Refresh(ctx)
				if err == nil {
					_ = s.Invalidate(ctx, tok)
				}
				time.Sleep(time.Minute)
			}
			_, err := cache.Survey(ctx)
			require.NoError(t, err)
		}
		use()
		f.issuer.FailNext(2, feishutest.Status(500))
		use()
		f.issuer.SetFault(feishutest.WrongSecret())
		_, _, err := a.Refresh(ctx)
		require.Error(t, err)
		f.issuer.SetFault(feishutest.Fault{})
		time.Sleep(10 * time.Minute)
		undo := link.Fail("OOM command not allowed when used memory > 'maxmemory'.", script("publish"))
		_, _, _ = a.Refresh(ctx)
		undo()
		time.Sleep(10 * time.Minute) // put back
		link.Down()
		_, _, _ = b.Refresh(ctx)
		link.Heal()
		time.Sleep(10 * time.Minute)
		use()
		link.DropReplies(2, redistest.Commands("EVALSHA"))
		use()

		assert.Subset(t, hook.places(), []string{
			"HELLO arguments", "PUBLISH arguments", "SCAN arguments", "dial",
			"extend arguments", "fail arguments", "invalidate arguments", "look arguments", "obtain arguments", "publish arguments", "read arguments", "release arguments",
		}, "all of them were seen")
		var tokens []string
		for _, pair := range f.issuer.Pairs() {
			tokens = append(tokens, pair.App, pair.Tenant)
		}
		require.Greater(t, len(tokens), 10)
		assert.Empty(t, hook.with(tokens...))
		assert.Equal(t, []string{"HELLO arguments"}, hook.with(redisPassword))
		assert.Empty(t, hook.with(f.issuer.AppSecret()))
	})
}

// tracer is a hook of the client that writes down all there is to see, as go-redis' own tracing
// does: arguments, replies, errors and addresses.
type tracer struct {
	mu   sync.Mutex // guards below
	seen []trace
}

// trace is what was seen at one place: of "publish arguments", "dial" and the like.
type trace struct{ place, text string }

func (h *tracer) note(place string, words ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seen = append(h.seen, trace{place, fmt.Sprint(words...)})
}

func (h *tracer) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := next(ctx, network, addr)
		h.note("dial", network, addr, err)
		return conn, err
	}
}

func (h *tracer) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		name := nameOf(cmd)
		h.note(name+" arguments", cmd.Args()...)
		err := next(ctx, cmd)
		if script, ok := cmd.(*redis.Cmd); ok {
			h.note(name+" reply", script.Val())
		} else {
			_, reply, _ := strings.Cut(cmd.String(), ": ") // before it: the arguments
			h.note(name+" reply", reply)
		}
		h.note(name+" error", err)
		return err
	}
}

func (h *tracer) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		for _, cmd := range cmds {
			h.note("pipeline", cmd.String(), err)
		}
		return err
	}
}

// with returns the places at which a secret was seen.
func (h *tracer) with(secrets ...string) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	places := map[string]bool{}
	for _, s := range h.seen {
		for _, secret := range secrets {
			if strings.Contains(s.text, secret) {
				places[s.place] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(places))
}

// places returns all at which something was seen.
func (h *tracer) places() []string { return h.with("") }
