package doctor

import (
	"strings"
	"time"
)

// clockTolerance is what nobody has to look into.
const clockTolerance = 30 * time.Second

// clock is how far another clock is ahead of ours.
type clock struct {
	known bool
	ahead time.Duration
}

// clocksCheck lays the other clocks beside ours. No life depends on any of them
// being right: the warning is for what steps, and for what else a wrong clock
// spoils.
func clocksCheck(redis, issuer clock) finding {
	if !redis.known && !issuer.known {
		return skipped("clocks", "unknown: neither redis nor the issuer told the time")
	}
	f := finding{Name: "clocks", Status: checkOK}
	var said []string
	if redis.known {
		said = append(said, "redis "+redis.beside())
	}
	if issuer.known {
		said = append(said, "the issuer "+issuer.beside())
	}
	f.Found = strings.Join(said, ", ")
	switch {
	case issuer.far() && (!redis.known || clock{true, redis.ahead - issuer.ahead}.near()):
		f.Status, f.Advice = checkWarn, "set this host's clock: tokens do not mind, but certificates and logs do"
	case redis.far():
		f.Status, f.Advice = checkWarn, "set redis' clock slowly (slew it): lives are counted by it, and shift only when it steps"
	case issuer.far():
		f.Status, f.Advice = checkWarn, "nothing to do for tokens: they do not depend on the issuer's clock"
	}
	return f
}

// beside says it to a person. An issuer tells whole seconds.
func (c clock) beside() string {
	switch {
	case c.ahead.Abs() < time.Second:
		return "within 1s of ours"
	case c.ahead > 0:
		return rounded(c.ahead.Round(time.Second)) + " ahead of ours"
	}
	return rounded(-c.ahead.Round(time.Second)) + " behind ours"
}

func (c clock) near() bool { return c.known && c.ahead.Abs() < clockTolerance }
func (c clock) far() bool  { return c.known && !c.near() }
