package tokencache

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// guard bounds every Redis command of ours in time and tells the breaker how it
// went. A context alone cannot bound one: a default go-redis client heeds it
// neither while dialling nor while reading. So a command runs aside and is left
// behind when its time is up; the client's own time-outs end it later, see inTime. A client that
// was told to heed deadlines does, and saves us the goroutine and its hand-overs, which
// on an idle machine take as long as a GET.
//
// A command's time begins when it has a slot: how long it waits for others of ours says
// nothing about Redis.
//
// It is a redis.Scripter, so that the lock and our scripts go through it alike.
// It refuses while the breaker is open only what would have to queue: whoever starts a
// fill asks the breaker, and what has begun (a release, above all) is still tried.
type guard struct {
	redis.Scripter // the methods nobody here calls
	rdb            redis.UniversalClient
	timeout        time.Duration
	breaker        *breaker
	slots          *slots
	dial           lastDial
	punctual       bool   // the client ends a command when its time is up
	release        func() // of what inTime has made
}

func newGuard(rdb redis.UniversalClient, timeout time.Duration, b *breaker) *guard {
	rdb, release := inTime(rdb, timeout)
	return &guard{
		Scripter: rdb, rdb: rdb, timeout: timeout, breaker: b, slots: newSlots(connectionsOf(rdb)),
		punctual: heedsDeadlines(rdb), release: release,
	}
}

// inTime returns a client whose commands give their connection back some time after they
// were left behind. One that was told to wait for ever would not, if the connection
// swallows a command, and a pool of such connections never heals.
//
// Instead of a redis.Client it is a clone that shares its connections, but in go-redis
// v9.23.0 not its hooks: hence not instead of every client. A ClusterClient has no such
// clone: it is another one, with connections of its own and no hooks either. What other
// clients do nobody can tell.
func inTime(rdb redis.UniversalClient, timeout time.Duration) (c redis.UniversalClient, release func()) {
	switch c := rdb.(type) {
	case *redis.Client:
		o := c.Options()
		onlyByCtx := o.ReadTimeout == 0 || o.WriteTimeout == 0
		if o.ReadTimeout < 0 || o.WriteTimeout < 0 || onlyByCtx && !o.ContextTimeoutEnabled {
			return c.WithTimeout(overdue(timeout)), func() {} // to close it would close the pool
		}
	case *redis.ClusterClient: // with 0, its nodes have the default
		if o := c.Options(); o.ReadTimeout < 0 || o.WriteTimeout < 0 {
			bounded := redis.NewClusterClient(optionsInTime(*o, overdue(timeout)))
			return bounded, func() { _ = bounded.Close() }
		}
	}
	return rdb, func() {}
}

// subscriber is the client to subscribe with: there are no hooks to miss.
func (g *guard) subscriber() redis.UniversalClient {
	if client, ok := g.rdb.(*redis.Client); ok {
		return client.WithTimeout(overdue(g.timeout))
	}
	return g.rdb
}

// cancelled is for everything on a session that stands: reading and writing go on
// under it, but redialling, which go-redis would do on the spot and under its
// mutex, does not. That is the loop's business.
var cancelled = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// overdue is when the connection of a command ends that was left behind after a while: a little
// later, as the client would try again if there were time.
func overdue(timeout time.Duration) time.Duration { return timeout + timeout/10 }

// optionsInTime are those of a ClusterClient once more, with time-outs. What -1 had turned off
// reads 0 in them, which would turn it on.
func optionsInTime(o redis.ClusterOptions, timeout time.Duration) *redis.ClusterOptions {
	o.ReadTimeout, o.WriteTimeout = timeout, timeout
	o.MaxRedirects = cmp.Or(o.MaxRedirects, -1)
	o.MinRetryBackoff, o.MaxRetryBackoff = cmp.Or(o.MinRetryBackoff, -1), cmp.Or(o.MaxRetryBackoff, -1)
	return &o
}

// heedsDeadlines reports whether a client, as configured, heeds the deadline of every
// command that it is given: while it waits for a connection, dials, sets it up, writes,
// reads, and between two tries. A time-out below 0 has it set no deadline at all, and
// credentials may come from somebody who is told none. A ClusterClient may wait for
// another's look at who has which slots. What hooks do it cannot tell.
func heedsDeadlines(rdb redis.UniversalClient) bool {
	client, ok := rdb.(*redis.Client)
	if !ok {
		return false
	}
	o := client.Options()
	return o.ContextTimeoutEnabled && o.ReadTimeout >= 0 && o.WriteTimeout >= 0 &&
		o.CredentialsProvider == nil && o.StreamingCredentialsProvider == nil
}

// EvalSha runs a script by its hash.
func (g *guard) EvalSha(ctx context.Context, sha1 string, keys []string, args ...any) *redis.Cmd {
	return bound(ctx, g, keys, func(ctx context.Context) *redis.Cmd { return g.rdb.EvalSha(ctx, sha1, keys, args...) },
		func() *redis.Cmd { return redis.NewCmd(ctx) })
}

// Eval runs a script by its text.
func (g *guard) Eval(ctx context.Context, script string, keys []string, args ...any) *redis.Cmd {
	return bound(ctx, g, keys, func(ctx context.Context) *redis.Cmd { return g.rdb.Eval(ctx, script, keys, args...) },
		func() *redis.Cmd { return redis.NewCmd(ctx) })
}

// Publish sends an event.
func (g *guard) Publish(ctx context.Context, channel, message string) error {
	return bound(ctx, g, []string{channel}, func(ctx context.Context) *redis.IntCmd { return g.rdb.Publish(ctx, channel, message) },
		func() *redis.IntCmd { return redis.NewIntCmd(ctx) }).Err()
}

// PExpire gives a key a TTL.
func (g *guard) PExpire(ctx context.Context, key string, ttl time.Duration) error {
	return bound(ctx, g, []string{key}, func(ctx context.Context) *redis.BoolCmd { return g.rdb.PExpire(ctx, key, ttl) },
		func() *redis.BoolCmd { return redis.NewBoolCmd(ctx) }).Err()
}

// Scan returns the keys that match, each once, of all primaries. It reads through
// the whole key space, in steps that are bounded one by one; ctx bounds them all.
func (g *guard) Scan(ctx context.Context, match string) ([]string, error) {
	var mu sync.Mutex // guards found
	found := map[string]bool{}
	scan := func(ctx context.Context, node redis.Cmdable) error {
		for cursor := uint64(0); ; {
			cmd := bound(ctx, g, nil, func(ctx context.Context) *redis.ScanCmd { return node.Scan(ctx, cursor, match, 1000) },
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

// bound gives a command a slot and then its time; keys are those it is about. If the client
// heeds deadlines it runs here, and only its deadline ends it; else it runs aside, and is left
// behind when ctx ends, too.
func bound[C redis.Cmder](ctx context.Context, g *guard, keys []string, run func(context.Context) C, empty func() C) C {
	if err := g.admit(ctx, keys); err != nil {
		cmd := empty()
		cmd.SetErr(err)
		return cmd
	}
	bounded, cancel := context.WithTimeout(ctx, g.timeout)
	defer cancel()
	explain := g.suspect(bounded)
	var cmd C
	if g.punctual {
		defer g.slots.give() // after the breaker is told, or the next would find out for itself
		cmd = run(bounded)
	} else {
		cmd = runAside(bounded, g.slots.give, run, empty)
	}
	// Whoever noticed first, the ctx or the connection.
	if deadline, _ := bounded.Deadline(); silent(cmd.Err()) && !time.Now().Before(deadline) {
		cmd.SetErr(context.DeadlineExceeded)
	}
	err := explain(cmd.Err())
	if err != nil {
		cmd.SetErr(own(err)) // it may be of a hook
	}
	g.judge(ctx, keys, cmd.Err())
	return cmd
}

// admit waits for a slot. The error is that of a ctx that ended meanwhile or, if
// Redis has fallen silent, a *RedisError.
func (g *guard) admit(ctx context.Context, keys []string) error {
	r := behind
	if isOfLock(keys) {
		r = ahead
	}
	err := g.slots.take(ctx, r, g.breaker.opened())
	if errors.Is(err, errPaused) {
		return g.breaker.paused("")
	}
	return err
}

// isOfLock tells the lock's own scripts: an extension that queues may come too late.
func isOfLock(keys []string) bool { return len(keys) == 1 && strings.HasSuffix(keys[0], "}:lock") }

// runAside runs a command aside and waits for it or the end of ctx, whichever comes first.
// Ended is called when it has really ended. One left behind keeps its result to itself, so the
// caller gets one of its own. A panic of the client's, or of a hook, is an error like any other.
func runAside[C redis.Cmder](ctx context.Context, ended func(), run func(context.Context) C, empty func() C) C {
	failed := func(err error) C {
		cmd := empty()
		cmd.SetErr(err)
		return cmd
	}
	done := aside(func() C {
		defer ended()
		cmd := run(ctx)
		_ = cmd.Err() // some clients only promise here, and wait when asked
		return cmd
	}, func(p any) C {
		if p == nil {
			return failed(errClientEnded)
		}
		return failed(fmt.Errorf("tokencache: the redis client panicked with a %T", p))
	})
	select {
	case cmd := <-done:
		return cmd
	case <-ctx.Done():
	}
	select {
	case cmd := <-done: // both at once
		return cmd
	default:
		return failed(ctx.Err())
	}
}

// errClientEnded is of a client or hook that calls runtime.Goexit.
var errClientEnded = errors.New("tokencache: the redis client ended without an answer")

// judge tells the breaker, unless it was the caller who gave up, or others who have all of
// the client's connections.
func (g *guard) judge(ctx context.Context, keys []string, err error) {
	if congested(err) || isOver(ctx) && !answered(err) {
		return
	}
	key := ""
	if len(keys) > 0 {
		key = keys[0]
	}
	g.breaker.record(err, key)
	if !answered(err) {
		relearn(g.rdb)
	}
}

// relearn has the client of a Cluster ask again who has which slots. It does so when
// a node sends it elsewhere, but a dead one sends nobody anywhere: until a timer of
// its own is over (a minute, since go-redis v9.22) it would go on dialling that
// node, while the successor has long been there. It takes many requests for one.
func relearn(rdb redis.UniversalClient) {
	if cluster, ok := rdb.(interface{ ReloadState(context.Context) }); ok {
		defer func() { _ = recover() }() // the next command says what is wrong with it
		cluster.ReloadState(context.Background())
	}
}
