package tokencache_test

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// A hook that ends its goroutine has nobody wait for ever, whoever shares the command.
func TestClientHooksThatEndTheirGoroutine(t *testing.T) {
	for _, punctual := range []bool{false, true} {
		t.Run(fmt.Sprint("punctual: ", punctual), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := redistest.NewBubble(t).Client("us", func(o *redis.Options) { o.ContextTimeoutEnabled = punctual })
				client.AddHook(ending{})
				cache, err := tokencache.New(client, tokencache.Config{Logger: slog.New(slog.DiscardHandler)})
				require.NoError(t, err)
				defer func() { assert.NoError(t, cache.Close()) }()
				source := cache.Source(fetcherOf(func(context.Context) (tokencache.Token, error) { return tokencache.NewToken("a", "b", time.Hour), nil }))
				begin := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				assert.NotErrorIs(t, source.Invalidate(ctx, tokencache.NewToken("x", "y", time.Hour)), context.DeadlineExceeded)
				_, _, _ = source.Refresh(ctx) // tells first
				assert.Less(t, time.Since(begin), time.Second)
			})
		})
	}
}

// A hook of the Redis client runs in goroutines of ours: there its panic is trouble with
// Redis, and nothing more.
func TestClientHooksThatPanic(t *testing.T) {
	for _, test := range []struct {
		command  string
		punctual bool
	}{{"evalsha", false}, {"publish", false}, {"evalsha", true}, {"publish", true}} {
		t.Run(fmt.Sprint(test.command, ", punctual: ", test.punctual), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := redistest.NewBubble(t)
				client := b.Client("us", func(o *redis.Options) { o.ContextTimeoutEnabled = test.punctual })
				client.AddHook(panicky{test.command})
				cache, err := tokencache.New(client, tokencache.Config{Logger: slog.New(slog.DiscardHandler)})
				require.NoError(t, err)
				defer func() { assert.NoError(t, cache.Close()) }()
				source := cache.Source(fetcherOf(func(context.Context) (tokencache.Token, error) { return tokencache.NewToken("a", "b", time.Hour), nil }))
				tok, _, err := source.Refresh(t.Context())
				if test.punctual { // the command is of the fill's own goroutine, which it ends
					require.Error(t, err)
				} else {
					require.NoError(t, err, "asked directly, if need be")
					assert.Equal(t, "a", tok.AppAccessToken())
				}
				_ = source.Invalidate(t.Context(), tokencache.NewToken("x", "y", time.Hour))
				time.Sleep(time.Minute)
			})
		})
	}
}

// ending is a hook that ends the goroutine of every script.
type ending struct{ panicky }

func (ending) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if strings.HasPrefix(cmd.Name(), "eval") {
			runtime.Goexit()
		}
		return next(ctx, cmd)
	}
}
