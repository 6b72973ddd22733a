// Package doctor checks everything that a replica needs: its configuration, Redis, the issuer and the
// clocks. Each check ends with a finding, which says what was found and what to do about it, and no
// secret and no token.
//
// [ExamineFile] does so for the configuration file of a service (file.go, and file_*.go for what it names) and for the
// fleet (fleet.go).
//
// [Examine] makes the checks in turn; what depends on one that failed is skipped. A check may take
// 5 s, and is left behind then. The chart writes the findings, as lines or as JSON.
package doctor

import (
	"context"
	"errors"
	"time"
)

// Time is what an examination may take, with the reading of the configuration.
const Time = 30 * time.Second

// Examine makes the checks until the deadline at most, or until ctx ends, and writes what they
// found. It finishes a call to the issuer that a check has left behind. Its error is c.Complaints,
// of writing, that ctx has ended, or names some of the checks that failed and begins with what to do.
func Examine(ctx context.Context, deadline time.Time, c Config) error {
	chart := &chart{out: c.Out, json: c.JSON, files: c.Setting.Files}
	p := newPatient(c)
	if c.Complaints != nil {
		if c.JSON {
			chart.add(p.configurationCheck())
			return errors.Join(c.Complaints, chart.end())
		}
		return c.Complaints // every one has a line there
	}
	chart.add(p.configurationCheck())
	bounded, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	p.examine(bounded, chart)
	p.finishCalls()
	if err := chart.end(); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	return chart.err()
}

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
