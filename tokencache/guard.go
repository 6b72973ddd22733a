package tokencache

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// guard bounds every Redis command of ours in time and tells the breaker how it
// went. A context alone cannot bound one: a default go-redis client heeds it
// neither while dialling nor while reading. So a command runs aside and is left
// behind when its time is up; the client's own time-outs end it later.
//
// It is a redis.Scripter, so that the lock and our scripts go through it alike.
// It does not refuse while the breaker is open: whoever starts a fill asks the
// breaker, and what has begun (a release, above all) is still tried.
type guard struct {
	redis.Scripter // the methods nobody here calls
	rdb            redis.UniversalClient
	timeout        time.Duration
	breaker        *breaker
}

func newGuard(rdb redis.UniversalClient, timeout time.Duration, b *breaker) *guard {
	return &guard{Scripter: rdb, rdb: rdb, timeout: timeout, breaker: b}
}

// EvalSha runs a script by its hash.
func (g *guard) EvalSha(ctx context.Context, sha1 string, keys []string, args ...any) *redis.Cmd {
	return aside(ctx, g, func(ctx context.Context) *redis.Cmd { return g.rdb.EvalSha(ctx, sha1, keys, args...) },
		func() *redis.Cmd { return redis.NewCmd(ctx) })
}

// Eval runs a script by its text.
func (g *guard) Eval(ctx context.Context, script string, keys []string, args ...any) *redis.Cmd {
	return aside(ctx, g, func(ctx context.Context) *redis.Cmd { return g.rdb.Eval(ctx, script, keys, args...) },
		func() *redis.Cmd { return redis.NewCmd(ctx) })
}

// Publish sends an event.
func (g *guard) Publish(ctx context.Context, channel, message string) error {
	return aside(ctx, g, func(ctx context.Context) *redis.IntCmd { return g.rdb.Publish(ctx, channel, message) },
		func() *redis.IntCmd { return redis.NewIntCmd(ctx) }).Err()
}

// PExpire gives a key a TTL.
func (g *guard) PExpire(ctx context.Context, key string, ttl time.Duration) error {
	return aside(ctx, g, func(ctx context.Context) *redis.BoolCmd { return g.rdb.PExpire(ctx, key, ttl) },
		func() *redis.BoolCmd { return redis.NewBoolCmd(ctx) }).Err()
}

// aside runs a command in a goroutine of its own and waits for it, its time-out
// or ctx, whichever comes first. The command left behind keeps its result to
// itself, so the caller gets one of its own.
func aside[C redis.Cmder](ctx context.Context, g *guard, run func(context.Context) C, empty func() C) C {
	bounded, cancel := context.WithTimeout(ctx, g.timeout)
	done := make(chan C, 1)
	go func() {
		defer cancel()
		cmd := run(bounded)
		_ = cmd.Err() // some clients only promise here, and wait when asked
		done <- cmd
	}()

	select {
	case cmd := <-done:
		return g.judge(ctx, cmd).(C)
	case <-bounded.Done():
	}
	select {
	case cmd := <-done: // both at once
		return g.judge(ctx, cmd).(C)
	default:
	}
	cmd := empty()
	cmd.SetErr(bounded.Err())
	return g.judge(ctx, cmd).(C)
}

// judge tells the breaker, unless it was the caller who gave up.
func (g *guard) judge(ctx context.Context, cmd redis.Cmder) redis.Cmder {
	if err := cmd.Err(); ctx.Err() == nil || answered(err) {
		g.breaker.record(err)
	}
	return cmd
}
