package tokencache

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// prober asks a silent Redis whether it is back, so that no fill has to. It runs while the
// breaker is open, and asks on a connection of its own: those in the client's pool may all
// be dead. A firewall that forgets connections leaves each of them to swallow one command
// for as long as somebody waits for the answer.
//
// So before it closes the breaker it has the idle ones answer, all at once, and the pool
// drops those that do not. From the first command without an answer that takes a
// RedisTimeout, a backoff and, if there are dead connections, a fourth of a RedisTimeout.
type prober struct {
	guard   *guard
	breaker *breaker
	replies chan time.Duration // of capacity 1: how long a question took that was answered, maybe late
}

// asksFor is how many RedisTimeouts the answer to a question is waited for, while others are
// asked: a new connection takes several round trips, a command one, and from far away only
// those of commands fit.
const asksFor = 8

func newProber(g *guard, b *breaker) *prober {
	return &prober{guard: g, breaker: b, replies: make(chan time.Duration, 1)}
}

// run ends when Redis answers and the breaker is closed, or with ctx.
func (p *prober) run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // what was asked and not answered yet
	for p.rest(ctx) {
		answers, served, cause := p.isBack(ctx)
		if served {
			p.breaker.close()
			return
		}
		p.breaker.missed(now(), answers, cause)
		if !answers {
			relearn(p.guard.rdb) // it may be elsewhere by now
		}
	}
}

// rest waits until it is time to ask, or a command was answered after all. False at the
// end of ctx.
func (p *prober) rest(ctx context.Context) bool {
	timer := time.NewTimer(p.breaker.retryIn(now()))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.breaker.answers:
	case took := <-p.replies:
		p.replied(took)
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

// isBack reports whether Redis answers on a new connection, and then whether it does so
// through the pool. A client that panics does neither. Cause is how it failed to.
func (p *prober) isBack(ctx context.Context) (answers, served bool, cause error) {
	defer func() {
		if recover() != nil {
			answers, served, cause = false, false, errClientEnded
		}
	}()
	took, err := p.ask(ctx)
	answers = answered(err)
	if err = own(err); !answers && !neverSubscribes(err) {
		return false, false, err
	}
	// What a new connection took, set up and all, is plenty for one that is open.
	most := min(p.guard.timeout, max(took, p.guard.timeout/4))
	switch c := p.guard.rdb.(type) {
	case *redis.Client:
		served = p.sweep(ctx, c, most)
	case *redis.ClusterClient:
		served = p.sweepCluster(ctx, c, most)
	default:
		served = p.sweepUnknown(ctx, c, most)
	}
	return answers || served, served, err
}

// neverSubscribes reports whether an attempt to subscribe may have failed for good, where
// commands do not: some proxies hang up on who subscribes, some clients cannot. Then only
// commands tell.
func neverSubscribes(err error) bool {
	return errors.Is(err, errClientEnded) || slices.ContainsFunc(hangUps, func(known error) bool { return errors.Is(err, known) })
}

// ask has Redis answer on a new connection, and returns how long that took. The client may
// take much longer than it is told to, so it works aside and is left behind.
func (p *prober) ask(ctx context.Context) (took time.Duration, err error) {
	asking, cancel := context.WithTimeout(ctx, asksFor*p.guard.timeout)
	explain := p.guard.suspect(asking)
	asked := aside(func() error {
		defer cancel()
		began := time.Now()
		err := p.question(asking)
		if answered(err) {
			p.replied(time.Since(began))
		}
		return err
	}, func(any) error { return errClientEnded })
	timer := time.NewTimer(p.guard.timeout)
	defer timer.Stop()
	select {
	case took := <-p.replies:
		return took, explain(nil)
	case err := <-asked:
		if answered(err) {
			return <-p.replies, explain(nil)
		}
		return 0, explain(err)
	case <-timer.C:
		return 0, explain(context.DeadlineExceeded)
	case <-ctx.Done():
		return 0, explain(ctx.Err())
	}
}

// replied tells whoever asks that Redis has answered.
func (p *prober) replied(took time.Duration) {
	select {
	case p.replies <- took:
	default:
	}
}

// question subscribes to the events of the credential that had the trouble: in a Cluster that
// goes to its node, and every replica may do it. Any answer is one, a refusal too. Some proxies
// hang up instead, and answer a PING.
func (p *prober) question(ctx context.Context) error {
	err := p.session(ctx, func(session *redis.PubSub) error { return session.Subscribe(ctx, eventsOf(p.breaker.about())) })
	if !answered(err) && ctx.Err() == nil {
		err = p.session(ctx, func(session *redis.PubSub) error { return session.Ping(ctx) })
	}
	return err
}

// session says one thing on a connection of its own, and waits for the answer.
func (p *prober) session(ctx context.Context, say func(*redis.PubSub) error) error {
	session := p.guard.subscriber().Subscribe(ctx) // no channels: no connection yet
	defer func() { _ = session.Close() }()
	if err := say(session); err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = session.Close() })()
	deadline, _ := ctx.Deadline()
	_, err := session.ReceiveTimeout(cancelled, time.Until(deadline)) // redials neither in time nor after it
	return err
}

// eventsOf is the channel of the credential that a key or channel belongs to.
func eventsOf(key string) string {
	base, _, _ := strings.Cut(key, "}:")
	return base + "}:events"
}

// sweep has every idle connection of a pool answer, by a command that all may send, or be
// dropped; and if none does, a new one. It reports whether one did: a pool that has met
// many errors fails for another second without a try.
func (p *prober) sweep(ctx context.Context, client *redis.Client, most time.Duration) bool {
	if p.visit(ctx, client, p.guard.slots, most) {
		return true
	}
	return p.visit(ctx, client, p.guard.slots, most) // the old ones are gone now
}

// sweepCluster does so with every node. What counts is the one that had the trouble.
func (p *prober) sweepCluster(ctx context.Context, cluster *redis.ClusterClient, most time.Duration) bool {
	swept := aside(func() bool { // it may ask first which nodes there are
		err := cluster.ForEachShard(ctx, func(ctx context.Context, node *redis.Client) error {
			if idle := int(node.PoolStats().IdleConns); idle > 0 {
				p.visit(ctx, node, newSlots(idle), most)
			}
			return nil
		})
		return err == nil
	}, func(any) bool { return false })
	timer := time.NewTimer(p.guard.timeout)
	defer timer.Stop()
	select {
	case <-swept:
	case <-timer.C:
	case <-ctx.Done():
	}
	return p.visitAny(ctx, cluster, p.guard.slots, 1, most)
}

// sweepUnknown sends a client of another kind as many commands at once as it has idle
// connections. Those that meet a dead one keep it from others until the client gives up.
func (p *prober) sweepUnknown(ctx context.Context, client redis.UniversalClient, most time.Duration) bool {
	idle := max(1, int(client.PoolStats().IdleConns))
	return p.visitAny(ctx, client, newSlots(idle), idle, most) || p.visitAny(ctx, client, p.guard.slots, 1, most)
}

// visit sends one command over each idle connection of the pool, or over a new one if
// there is none. It reports whether one was answered.
func (p *prober) visit(ctx context.Context, client *redis.Client, s *slots, most time.Duration) bool {
	hasty := client.WithTimeout(most)
	return calls(ctx, s, max(1, int(client.PoolStats().IdleConns)), most, func() (visitor, func()) {
		conn := hasty.Conn()
		return conn, func() { _ = conn.Close() } // a bad one is not put back into the pool
	})
}

// visitAny sends so many commands at once, over whatever connections.
func (p *prober) visitAny(ctx context.Context, client redis.UniversalClient, s *slots, n int, most time.Duration) bool {
	return calls(ctx, s, n, most, func() (visitor, func()) { return client, func() {} })
}

type visitor interface {
	Time(ctx context.Context) *redis.TimeCmd
}

// call is a command on its way.
type call struct {
	done  chan struct{} // closed when err is there
	err   error
	leave func() // to be called when it is done
}

// callsApart keeps calls from coming at one instant.
const callsApart = 10 * time.Microsecond

// calls sends up to n commands at once, each within a slot, and keeps all connections until
// the last is answered or the time is up, so that none is visited twice and another not at
// all. It reports whether any was answered.
func calls(ctx context.Context, s *slots, n int, most time.Duration, next func() (visitor, func())) (any bool) {
	ctx, cancel := context.WithTimeout(ctx, most+time.Duration(n)*callsApart)
	defer cancel()
	if s.take(ctx, ahead, nil) != nil { // those before may have it until their connections end
		return false
	}
	var under []*call
	for more := true; more; more = len(under) < n && sleepUnless(ctx.Done(), callsApart) && s.takeFree() {
		under = append(under, send(ctx, s, next))
	}
	for _, c := range under {
		select {
		case <-c.done:
			any = any || answered(c.err)
		case <-ctx.Done():
		}
	}
	for _, c := range under { // in their order
		select {
		case <-c.done:
			c.leave()
		default:
			go func() {
				<-c.done
				c.leave()
			}()
		}
	}
	return any
}

func send(ctx context.Context, s *slots, next func() (visitor, func())) *call {
	v, leave := next()
	c := &call{done: make(chan struct{}), err: errClientEnded, leave: func() { leave(); s.give() }}
	go func() {
		defer close(c.done)
		defer func() { _ = recover() }()
		c.err = v.Time(ctx).Err()
	}()
	return c
}
