package tokencache

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// I4: a hold ends where other rules hold for the copy.
func TestI4HoldEndsWithThePhaseOfTheCopy(t *testing.T) {
	at := now()
	for edge, test := range map[string]struct {
		c    *localCopy
		wait time.Duration
		want time.Duration
	}{
		"no copy":                     {nil, time.Hour, time.Hour},
		"a fresh one":                 {feishuCopy(feishuLife, at), 3 * time.Hour, feishuLife - 1770*time.Second},
		"one that is due":             {feishuCopy(20*time.Minute, at), time.Hour, 18 * time.Minute},
		"one that is due for longer":  {feishuCopy(20*time.Minute, at), time.Minute, time.Minute},
		"an urgent one":               {feishuCopy(2*time.Minute, at), time.Hour, 110 * time.Second},
		"one in the moment it is due": {feishuCopy(1770*time.Second, at), time.Hour, 1650 * time.Second},
	} {
		p := pacerOf(t)
		p.holdFor(test.wait, nil, test.c, at)
		assert.Equal(t, test.want, p.hold.rest(at), edge)
		assert.Equal(t, test.want-time.Second, p.hold.rest(at.add(time.Second)), edge)
		assert.Zero(t, p.hold.rest(at.add(test.want)), edge)
	}
}

// I3: what a call that failed keeps the next fill, and this process, away for.
func TestI3PacerOfFailures(t *testing.T) {
	for edge, test := range map[string]struct {
		err      *IssuerError
		fleet    time.Duration
		before   int // failures in a row
		briefly  bool
		hold     time.Duration
		own      time.Duration
		failures int
	}{
		"told to the fleet":                {&IssuerError{Class: ClassTransient}, time.Second, 0, false, time.Second, 0, 0},
		"told, of its own":                 {&IssuerError{Class: ClassTransient, Local: true}, time.Second, 3, false, 2 * time.Second, 2 * time.Second, 4},
		"told for longer than its own":     {&IssuerError{Class: ClassTransient, Local: true}, 10 * time.Second, 0, false, 10 * time.Second, 10 * time.Second, 1},
		"not told, the first":              {&IssuerError{Class: ClassTransient}, 0, 0, false, minHold, minHold, 1},
		"not told, the third":              {&IssuerError{Class: ClassTransient}, 0, 2, false, 4 * minHold, 4 * minHold, 3},
		"not told, permanent":              {&IssuerError{Class: ClassPermanent}, 0, 0, false, time.Minute, time.Minute, 1},
		"not told, permanent, and no copy": {&IssuerError{Class: ClassPermanent}, 0, 0, true, shortHold, time.Minute, 1},
		"told by the issuer, and no copy":  {&IssuerError{Class: ClassRateLimited, RetryAfter: 2 * time.Second}, 0, 5, true, 2 * time.Second, 2 * time.Second, 6},
		"told to the fleet, and no copy":   {&IssuerError{Class: ClassQuota}, maxHold, 0, true, shortHold, 0, 0},
	} {
		t.Run(edge, func(t *testing.T) {
			at, p := now(), pacerOf(t)
			p.failures = test.before
			err := &directError{test.err, &RedisError{Trouble: TroubleTimeout}}
			p.issuerFailed(err, test.fleet, test.briefly, nil, at)
			assert.Equal(t, hold{from: at, wait: test.hold, err: err}, p.hold)
			assert.Equal(t, test.own, p.ownHold.rest(at))
			assert.Equal(t, test.failures, p.failures)
			if test.own > 0 {
				rest, why := p.keptOff(false, at)
				assert.Equal(t, test.own, rest)
				assert.Equal(t, err, why)
			}
			rest, _ := p.keptOff(true, at)
			assert.Zero(t, rest, "Refresh insists")

			p.issuerAnswered()
			assert.Zero(t, p.failures)
			assert.Zero(t, p.ownHold)
		})
	}
}

func TestPacerOfARedisInTrouble(t *testing.T) {
	at, p := now(), pacerOf(t)
	silent := &RedisError{Trouble: TroubleTimeout, Err: context.DeadlineExceeded}
	for _, want := range []time.Duration{redisBackoff.base, 2 * redisBackoff.base, 4 * redisBackoff.base} {
		assert.False(t, p.redisFailed(false), "of silence the breaker tells")
		p.holdForRedis(silent, 0, nil, at)
		assert.Equal(t, want, p.hold.rest(at))
		assert.Equal(t, want, p.restOfTrouble(at))
		assert.True(t, p.hold.isOfSilence())
	}
	assert.True(t, p.redisFailed(true), "a refusal after a silence is news")
	assert.False(t, p.redisFailed(true))
	p.redisAnswered()
	assert.True(t, p.redisFailed(true))
	p.holdForRedis(&RedisError{Trouble: TroubleOOM, Err: malformed("OOM")}, time.Minute, nil, at)
	assert.Equal(t, time.Minute, p.hold.rest(at), "as long as the breaker says")
	assert.False(t, p.hold.isOfSilence(), "it has answered")

	p.excuse()
	assert.Equal(t, time.Minute, p.hold.rest(at))
	assert.Zero(t, p.restOfTrouble(at))
	assert.False(t, p.hold.isOfSilence())
	p.free()
	assert.Zero(t, p.hold.rest(at))

	p.holdForRedis(silent, 0, nil, at)
	p.excuse()
	require.NoError(t, p.hold.err)
	assert.True(t, p.hold.isOfSilence(), "so that it ends when redis is back")
	p.free()
	assert.False(t, p.hold.isOfSilence())
}

// Fresh tokens of direct calls that are rejected in a row are asked for ever less often, unless
// one has lasted since.
func TestF31PacerOfRejections(t *testing.T) {
	at, p := now(), pacerOf(t)
	direct := func(from instant) *localCopy {
		c := feishuCopy(feishuLife, from)
		c.unpublished = true
		return c
	}
	for row, want := range []time.Duration{0, minHold, 2 * minHold, 4 * minHold} {
		got, wait := p.rejected(direct(at.add(-time.Second)), at)
		assert.Equal(t, row+1, got)
		assert.Equal(t, want, wait)
	}
	_, wait := p.rejected(direct(at.add(-longestFresh)), at)
	assert.Zero(t, wait, "it is not fresh")
	_, wait = p.rejected(feishuCopy(feishuLife, at), at)
	assert.Zero(t, wait, "Redis knows of it")
	later := at.add(4*minHold + 2*longestFresh - 1)
	row, wait := p.rejected(direct(later), later)
	assert.Equal(t, 5, row)
	later = later.add(wait + 2*longestFresh)
	row, _ = p.rejected(direct(later), later)
	assert.Equal(t, 1, row, "one has lasted since")
}

func TestPacerKeepsOffWhatWasRejected(t *testing.T) {
	at, p := now(), pacerOf(t)
	rejected := &IssuerError{Class: ClassTransient, Err: ErrRejected}
	p.standsAside(time.Minute, rejected, feishuCopy(feishuLife, at), at)
	assert.Zero(t, p.hold, "a copy serves")
	p.standsAside(time.Minute, rejected, nil, at)
	assert.Equal(t, shortHold, p.hold.rest(at))
	p.issuerAnswered()
	rest, why := p.keptOff(true, at)
	assert.Equal(t, time.Minute, rest, "Refresh may not, either")
	assert.True(t, errors.Is(why, ErrRejected))
}

func TestPacerOfPutBacks(t *testing.T) {
	p := pacerOf(t)
	assert.Equal(t, putBackBackoff.base, p.putBackIn(true, 0))
	assert.Equal(t, 2*putBackBackoff.base, p.putBackIn(true, 0))
	assert.Equal(t, putBackBackoff.base, p.putBackIn(false, 0), "Redis was not asked")
	assert.Equal(t, 4*putBackBackoff.base, p.putBackIn(true, 0))
	assert.Equal(t, time.Minute, p.putBackIn(true, time.Minute), "as the breaker says")
	p.putBackDone()
	assert.Equal(t, putBackBackoff.base, p.putBackIn(true, 0))
}

// I3: one direct call a minute for a credential whose last one failed, one permanent failure in
// 5 s for Refresh to pass.
func TestI3PacerCounts(t *testing.T) {
	at, p := now(), pacerOf(t)
	assert.False(t, p.mayCallDirectly(at))
	p.directCallEnded(errors.New("no"), at)
	assert.False(t, p.mayCallDirectly(at.add(ownDirectEvery-1)))
	assert.True(t, p.mayCallDirectly(at.add(ownDirectEvery)))
	p.directCallEnded(nil, at)
	assert.False(t, p.mayCallDirectly(at.add(ownDirectEvery)))

	assert.True(t, p.mayOverride(at))
	p.overrode(at)
	assert.False(t, p.mayOverride(at.add(overrideEvery-1)))
	assert.True(t, p.mayOverride(at.add(overrideEvery)))
}

// F14: whatever a Fetcher's or a client's error is, none of its methods is called under a mutex.
func TestF14PacerAsksNoForeignError(t *testing.T) {
	foreign := &asked{}
	for name, err := range map[string]error{
		"a call":        &IssuerError{Class: ClassTransient, Err: own(foreign)},
		"a direct call": &directError{&IssuerError{Class: ClassTransient, Local: true, Err: own(foreign)}, &RedisError{Trouble: TroubleOther, Err: own(foreign)}},
		"Redis":         &RedisError{Trouble: TroubleOther, Err: own(foreign)},
	} {
		at, p := now(), pacerOf(t)
		foreign.times = 0 // own has taken its text
		p.issuerFailed(err, 0, false, nil, at)
		p.holdFor(time.Second, err, nil, at)
		p.keepOff(time.Second, err, at)
		_, _ = p.keptOff(true, at)
		p.issuerAnswered()
		p.restOfTrouble(at)
		endsSoon(err, time.Second)
		assert.Zero(t, foreign.times, name)
	}
}

// pacerOf has no jitter.
func pacerOf(t testing.TB) *pacer {
	t.Helper()
	draws, err := newJitter(func() float64 { return 0 })
	require.NoError(t, err)
	return &pacer{jitter: draws}
}

// asked counts how often it is asked what it is.
type asked struct{ times int }

func (*asked) Error() string   { return "foreign" }
func (a *asked) Is(error) bool { a.times++; return false }
func (a *asked) As(any) bool   { a.times++; return false }
func (a *asked) Unwrap() error { a.times++; return nil }

// What a Get is told that runs out of time is of its own time.
func TestHoldErrLately(t *testing.T) {
	at, err := now(), errors.New("for the test")
	h := hold{from: at, wait: time.Second, err: err}
	for after, want := range map[time.Duration]error{
		0: err, time.Second: err, time.Second + roundTimeout: err, time.Second + roundTimeout + 1: nil,
	} {
		assert.Equal(t, want, h.errLately(at.add(after)), after)
	}
}
