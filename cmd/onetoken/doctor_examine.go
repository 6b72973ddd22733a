package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/onetoken-go/onetoken/tokencache"
)

// examine makes the checks in turn. What depends on one that failed is skipped.
func (p *patient) examine(ctx context.Context, c *chart) {
	redis, contact := p.redisCheck(ctx)
	c.add(redis)
	p.redisFacts(ctx, c, redis, contact.slow())
	troubled := len(c.failed) > 0

	issuer, meeting := p.issuerCheck(ctx)
	c.add(issuer)
	c.add(clocksCheck(contact.clock, meeting.clock))
	if issuer.failed() {
		c.add(skipped("credentials", "there is no way to the issuer"))
		return
	}
	c.add(p.credentialsCheck(ctx, troubled))
}

// redisFacts are the checks of a Redis that answers.
func (p *patient) redisFacts(ctx context.Context, c *chart, redis finding, slow bool) {
	names := []string{"version", "role", "eviction", "permissions", "rehearsal", "events"}
	if redis.failed() {
		for _, name := range names {
			c.add(skipped(name, "redis is not at hand"))
		}
		return
	}
	nodes, ok := inTime(ctx, p.look)
	if !ok {
		nodes = nil // as if everything were forbidden
	}
	role := roleCheck(nodes)
	c.add(versionCheck(nodes))
	c.add(role)
	c.add(evictionCheck(nodes))
	permissions := p.permissionsCheck(ctx)
	c.add(permissions)
	for _, needed := range []finding{role, permissions} {
		if needed.Status == checkFail {
			c.add(skipped("rehearsal", needed.Name+" failed"))
			c.add(skipped("events", needed.Name+" failed"))
			return
		}
	}
	for _, f := range p.rehearsalChecks(ctx, slow) {
		c.add(f)
	}
}

func skipped(name, why string) finding {
	return finding{Name: name, Status: checkSkipped, Found: why}
}

// inTime gives f the time of a check, and leaves it behind after that: clients
// need not heed a context. Then, or once ctx is over, it is false.
func inTime[T any](ctx context.Context, f func(context.Context) T) (T, bool) {
	var nothing T
	const grace = checkTime / 20
	ctx, cancel := context.WithTimeout(ctx, checkTime-grace)
	if ctx.Err() != nil {
		cancel()
		return nothing, false
	}
	done := make(chan T, 1)
	go func() {
		defer cancel()
		done <- f(ctx)
	}()
	select {
	case got := <-done:
		return got, true
	case <-ctx.Done():
	}
	select {
	case got := <-done: // it ended because its time did, and knows why
		return got, true
	case <-time.After(grace):
		return nothing, false
	}
}

// late is the finding of a check that inTime has left behind.
func late(ctx context.Context, name string) finding {
	if ctx.Err() != nil {
		return skipped(name, "interrupted, or out of time")
	}
	return finding{name, checkFail, fmt.Sprintf("took longer than %v", checkTime), "check the network in between, and try again"}
}

// failure is the finding of an error, with the advice taken out of its text.
func (p *patient) failure(name string, err error) finding {
	f := finding{Name: name, Status: checkFail, Found: err.Error()}
	var advice []string
	if e, ok := errors.AsType[*tokencache.IssuerError](err); ok {
		f.Found = without(f.Found, e.Advice)
		advice = append(advice, strings.TrimPrefix(variablesInAdvice.Replace(e.Advice)+nextStep(err, e), ": "))
	}
	if e, ok := errors.AsType[*tokencache.RedisError](err); ok {
		own := e.Advice()
		f.Found = without(f.Found, own)
		advice = append(advice, onTLS(p.env.hint(err))+own+variableFor(e))
	}
	f.Advice = cmp.Or(strings.Join(advice, "; "), "try again with --log-level debug, which shows every step")
	return f
}

// without cuts the advice from the end of an error's text, or of one within.
func without(text, advice string) string {
	if advice == "" {
		return text
	}
	return strings.Replace(text, ": "+advice, "", 1)
}
