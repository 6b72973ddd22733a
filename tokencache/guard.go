package tokencache

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// guard bounds every Redis command of ours in time and tells the breaker how it
// went. A context alone cannot bound one: a default go-redis client heeds it
// neither while dialling nor while reading. So a command runs aside and is left
// behind when its time is up; the client's own time-outs end it later. A client that
// was told to heed deadlines does, and saves us the goroutine and its hand-overs, which
// on an idle machine take as long as a GET.
//
// It is a redis.Scripter, so that the lock and our scripts go through it alike.
// It does not refuse while the breaker is open: whoever starts a fill asks the
// breaker, and what has begun (a release, above all) is still tried.
type guard struct {
	redis.Scripter // the methods nobody here calls
	rdb            redis.UniversalClient
	timeout        time.Duration
	breaker        *breaker
	punctual       bool // the client ends a command when its time is up
}

func newGuard(rdb redis.UniversalClient, timeout time.Duration, b *breaker) *guard {
	return &guard{Scripter: rdb, rdb: rdb, timeout: timeout, breaker: b, punctual: punctual(rdb)}
}

// punctual reports whether a client, as configured, heeds the deadline of every command
// that it is given: while it waits for a connection, dials, writes, reads and between
// two tries. A ClusterClient may wait for another's look at who has which slots.
func punctual(rdb redis.UniversalClient) bool {
	client, ok := rdb.(*redis.Client)
	return ok && client.Options().ContextTimeoutEnabled
}

// EvalSha runs a script by its hash.
func (g *guard) EvalSha(ctx context.Context, sha1 string, keys []string, args ...any) *redis.Cmd {
	return bound(ctx, g, func(ctx context.Context) *redis.Cmd { return g.rdb.EvalSha(ctx, sha1, keys, args...) },
		func() *redis.Cmd { return redis.NewCmd(ctx) })
}

// Eval runs a script by its text.
func (g *guard) Eval(ctx context.Context, script string, keys []string, args ...any) *redis.Cmd {
	return bound(ctx, g, func(ctx context.Context) *redis.Cmd { return g.rdb.Eval(ctx, script, keys, args...) },
		func() *redis.Cmd { return redis.NewCmd(ctx) })
}

// Publish sends an event.
func (g *guard) Publish(ctx context.Context, channel, message string) error {
	return bound(ctx, g, func(ctx context.Context) *redis.IntCmd { return g.rdb.Publish(ctx, channel, message) },
		func() *redis.IntCmd { return redis.NewIntCmd(ctx) }).Err()
}

// PExpire gives a key a TTL.
func (g *guard) PExpire(ctx context.Context, key string, ttl time.Duration) error {
	return bound(ctx, g, func(ctx context.Context) *redis.BoolCmd { return g.rdb.PExpire(ctx, key, ttl) },
		func() *redis.BoolCmd { return redis.NewBoolCmd(ctx) }).Err()
}

// Scan returns the keys that match, each once, of all primaries. It reads through
// the whole key space, in steps that are bounded one by one; ctx bounds them all.
func (g *guard) Scan(ctx context.Context, match string) ([]string, error) {
	var mu sync.Mutex // guards found
	found := map[string]bool{}
	scan := func(ctx context.Context, node redis.Cmdable) error {
		for cursor := uint64(0); ; {
			cmd := bound(ctx, g, func(ctx context.Context) *redis.ScanCmd { return node.Scan(ctx, cursor, match, 1000) },
				func() *redis.ScanCmd { return redis.NewScanCmd(ctx, nil) })
			keys, next, err := cmd.Result()
			if err != nil {
				return err
			}
			mu.Lock()
			for _, key := range keys {
				found[key] = true
			}
			mu.Unlock()
			if cursor = next; cursor == 0 {
				return nil
			}
		}
	}
	err := error(nil)
	if cluster, ok := g.rdb.(*redis.ClusterClient); ok {
		err = cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error { return scan(ctx, node) })
	} else {
		err = scan(ctx, g.rdb)
	}
	return slices.Sorted(maps.Keys(found)), err
}

// bound runs a command for no longer than it may take, or until ctx ends if the client
// is not punctual, which costs a goroutine.
func bound[C redis.Cmder](ctx context.Context, g *guard, run func(context.Context) C, empty func() C) C {
	bounded, cancel := context.WithTimeout(ctx, g.timeout)
	if !g.punctual {
		return aside(ctx, bounded, cancel, g, run, empty)
	}
	defer cancel()
	return g.judge(ctx, run(bounded)).(C)
}

// aside runs a command in a goroutine of its own and waits for it, its time-out
// or ctx, whichever comes first. The command left behind keeps its result to
// itself, so the caller gets one of its own.
func aside[C redis.Cmder](ctx, bounded context.Context, cancel func(), g *guard, run func(context.Context) C, empty func() C) C {
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
		if !answered(err) {
			relearn(g.rdb)
		}
	}
	return cmd
}

// relearn has the client of a Cluster ask again who has which slots. It does so when
// a node sends it elsewhere, but a dead one sends nobody anywhere: until a timer of
// its own is over (a minute, since go-redis v9.22) it would go on dialling that
// node, while the successor has long been there. It takes many requests for one.
func relearn(rdb redis.UniversalClient) {
	if cluster, ok := rdb.(interface{ ReloadState(context.Context) }); ok {
		cluster.ReloadState(context.Background())
	}
}
