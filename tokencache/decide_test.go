package tokencache

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/internal/wire"
)

// What a fill does after a look, for each purpose.
func TestDecide(t *testing.T) {
	at, redis := now(), time.UnixMilli(1_700_000_000_000)
	const ms, s = time.Millisecond, time.Second
	fp := wire.Fingerprint("a", "t")
	stored := func(checked time.Duration) *view {
		return &view{at: at, now: redis, lockTTL: noKey, record: &record{fingerprint: fp, checked: checked}}
	}
	free := &view{at: at, now: redis, lockTTL: noKey}
	locked := &view{at: at, now: redis, lockTTL: 3 * s}
	failing := func(hold time.Duration, class Class) *view {
		return &view{at: at, now: redis, lockTTL: noKey, failure: &failure{hold: hold, until: redis.Add(hold), err: &IssuerError{Class: class}}}
	}
	locally := failing(s, ClassPermanent)
	locally.failure.err.Local = true
	transient, permanent, gone := failing(s, ClassTransient), failing(s, ClassPermanent), failing(0, ClassPermanent)
	long := failing(longestWait+1, ClassTransient)
	foreign := &view{at: at, now: redis, lockTTL: noKey, foreign: "sum"}
	fresh, due, urgent := feishuCopy(feishuLife, at), feishuCopy(20*time.Minute, at), feishuCopy(time.Minute, at)
	again := *due
	again.replaced = true
	off := &IssuerError{Class: ClassTransient, Err: ErrRejected}
	pause := pauseOf(feishuWindow, feishuLife)
	before := &refresh{before: fp, lastWord: redis.Add(-s), until: permanent.failure.until, noted: true}
	passing := *before
	passing.overriding = true

	for edge, test := range map[string]struct {
		s    situation
		v    *view
		want action
	}{
		"a Get finds nothing":                       {situation{why: fillForCaller}, free, action{next: tryLock}},
		"a Get, with a fresh copy by now":           {situation{why: fillForCaller, copy: fresh}, free, action{next: done}},
		"ahead, with a due copy":                    {situation{why: fillAhead, copy: due}, free, action{next: tryLock}},
		"ahead, confirmed a second ago":             {situation{why: fillAhead, copy: due}, stored(s), action{next: done, hold: pause - s}},
		"ahead, confirmed a pause ago":              {situation{why: fillAhead, copy: due}, stored(pause), action{next: tryLock}},
		"ahead, a foreign record":                   {situation{why: fillAhead, copy: due}, foreign, action{next: tryLock}},
		"ahead, one again":                          {situation{why: fillAhead, copy: &again}, foreign, action{next: done, hold: 20 * time.Minute}},
		"a Get waits out a failure":                 {situation{why: fillForCaller}, transient, action{next: sitOut, hold: s, spread: takeoverJitter, why: transient.failure.err}},
		"a Get does not wait for so long":           {situation{why: fillForCaller}, long, action{next: stop, hold: shortHold, why: long.failure.err, err: long.failure.err}},
		"a Get fails by a permanent one":            {situation{why: fillForCaller}, permanent, action{next: stop, hold: s, why: permanent.failure.err, err: permanent.failure.err}},
		"a Get waits out one of another's own":      {situation{why: fillForCaller}, locally, action{next: sitOut, hold: s, spread: takeoverJitter, why: locally.failure.err}},
		"a Get fails by the call it waited for":     {situation{why: fillForCaller, waited: true}, transient, action{next: stop, hold: s, why: transient.failure.err, err: transient.failure.err}},
		"nor by another's own":                      {situation{why: fillForCaller, waited: true}, locally, action{next: sitOut, hold: s, spread: takeoverJitter, why: locally.failure.err}},
		"a failure that is over":                    {situation{why: fillForCaller}, gone, action{next: tryLock}},
		"a copy serves during a failure":            {situation{why: fillAhead, copy: urgent}, permanent, action{next: stop, hold: s, spread: takeoverJitter, why: permanent.failure.err}},
		"a Get waits for the holder":                {situation{why: fillForCaller}, locked, action{next: awaitHolder, hold: 3*s + ms, spread: takeoverJitter, lockHeld: true}},
		"a copy serves meanwhile":                   {situation{why: fillAhead, copy: due}, locked, action{next: stop, hold: 3*s + ms, spread: takeoverJitter, lockHeld: true}},
		"with half of its rest for a takeover":      {situation{why: fillAhead, copy: feishuCopy(13*s+101*ms, at)}, locked, action{next: stop, hold: 3*s + ms, spread: 50 * ms, lockHeld: true}},
		"a Get is kept from asking":                 {situation{why: fillForCaller, keptOff: s, keptOffWhy: off}, free, action{next: awaitOthers, hold: s}},
		"unless somebody asks":                      {situation{why: fillForCaller, keptOff: s, keptOffWhy: off}, locked, action{next: awaitHolder, hold: 3*s + ms, spread: takeoverJitter, lockHeld: true}},
		"for too long":                              {situation{why: fillForCaller, keptOff: time.Hour, keptOffWhy: off}, free, action{next: stop, hold: shortHold, why: off, err: off}},
		"a copy, kept from asking":                  {situation{why: fillAhead, copy: due, keptOff: time.Hour, keptOffWhy: off}, free, action{next: stop, hold: time.Hour, why: off}},
		"Refresh, with a fresh copy":                {situation{why: fillForced, copy: fresh, refresh: before}, stored(s), action{next: tryLock}},
		"Refresh, after another has asked":          {situation{why: fillForced, copy: fresh, refresh: before, waited: true}, stored(s - 1), action{next: done}},
		"Refresh, after another has asked in vain":  {situation{why: fillForced, copy: fresh, refresh: before, waited: true}, stored(s), action{next: tryLock}},
		"Refresh waits for the holder, with a copy": {situation{why: fillForced, copy: fresh, refresh: before}, locked, action{next: awaitHolder, hold: 3*s + ms, spread: takeoverJitter, lockHeld: true}},
		"Refresh passes a permanent failure":        {situation{why: fillForced, refresh: before, mayOverride: true}, permanent, action{next: tryLock, overrides: true}},
		"Refresh goes on passing it":                {situation{why: fillForced, refresh: &passing}, permanent, action{next: tryLock, overrides: true}},
		"Refresh may not again":                     {situation{why: fillForced, refresh: before}, permanent, action{next: stop, hold: s, why: permanent.failure.err, err: permanent.failure.err}},
		"Refresh does not pass one that came since": {situation{why: fillForced, refresh: &refresh{}, mayOverride: true}, permanent, action{next: stop, hold: s, why: permanent.failure.err, err: permanent.failure.err}},
		"Refresh fails by a transient one":          {situation{why: fillForced, copy: due, refresh: before, mayOverride: true}, transient, action{next: stop, hold: s, why: transient.failure.err, err: transient.failure.err}},
		"Refresh, kept off by what was rejected":    {situation{why: fillForced, copy: due, refresh: before, keptOff: s, keptOffWhy: off}, free, action{next: stop, hold: s, why: off, err: off}},
	} {
		test.s.at, test.s.window, test.s.lease = at, feishuWindow, longestLease
		assert.Equal(t, test.want, test.s.decide(test.v), edge)
	}

	taken := situation{why: fillForCaller, at: at, lease: s}.behindHolder(free, false)
	assert.Equal(t, action{next: awaitHolder, hold: s, spread: takeoverJitter, lockHeld: true}, taken, "taken since the look: for a lease")
}

func TestWhoMayLockAtOnce(t *testing.T) {
	c := feishuCopy(time.Minute, now())
	for edge, test := range map[string]struct {
		s    situation
		want bool
	}{
		"a Get":            {situation{why: fillForCaller}, true},
		"ahead, cold":      {situation{why: fillAhead}, true},
		"Refresh":          {situation{why: fillForced}, false},
		"after a holder":   {situation{why: fillForCaller, waited: true}, false},
		"with a copy":      {situation{why: fillAhead, copy: c}, false},
		"kept from asking": {situation{why: fillForCaller, keptOff: 1}, false},
	} {
		assert.Equal(t, test.want, test.s.mayLockAtOnce(), edge)
	}
}

// What a fill does that Redis lets down.
func TestAroundRedis(t *testing.T) {
	at := now()
	off := &IssuerError{Class: ClassTransient, Err: ErrRejected}
	cause := &RedisError{Trouble: TroubleTimeout}
	fresh, urgent := feishuCopy(feishuLife, at), feishuCopy(time.Minute, at)
	before := &refresh{}
	direct, serves := action{next: goAround}, action{next: stop, err: cause}
	for edge, test := range map[string]struct {
		s        situation
		noDirect bool
		want     action
	}{
		"a copy serves":                         {situation{why: fillAhead, copy: fresh}, false, serves},
		"until it is urgent":                    {situation{why: fillAhead, copy: urgent}, false, direct},
		"without one":                           {situation{why: fillForCaller}, false, direct},
		"not with NoDirect":                     {situation{why: fillForCaller}, true, serves},
		"Refresh, with a copy":                  {situation{why: fillForced, refresh: before, copy: fresh}, false, direct},
		"Refresh with NoDirect":                 {situation{why: fillForced, refresh: before, copy: fresh}, true, serves},
		"kept from asking, for a while":         {situation{why: fillForCaller, keptOff: time.Hour, keptOffWhy: off}, false, action{next: stop, hold: shortHold, why: off, err: off}},
		"kept from asking, for less":            {situation{why: fillForCaller, keptOff: 1, keptOffWhy: off}, true, action{next: stop, hold: 1, why: off, err: off}},
		"kept from asking, while a copy serves": {situation{why: fillAhead, copy: fresh, keptOff: 1, keptOffWhy: off}, false, serves},
	} {
		test.s.at = at
		assert.Equal(t, test.want, test.s.aroundRedis(test.noDirect, cause), edge)
	}
}

// What a fill that Redis lets down leaves to a Get that comes next.
func TestAfterTrouble(t *testing.T) {
	at := now()
	direct, serves := action{next: goAround}, action{next: stop}
	urgent, dead := feishuCopy(time.Minute, at), feishuCopy(time.Second, at)
	for edge, test := range map[string]struct {
		s       situation
		a       action
		hasTurn bool
		want    aftermath
	}{
		"it asks now":                           {situation{why: fillForCaller, wanted: true}, direct, true, fillsWait},
		"its turn comes too late":               {situation{why: fillForCaller, wanted: true}, direct, false, fillsFail},
		"nobody waits for its turn":             {situation{why: fillAhead}, direct, false, fillsWait},
		"a copy waits for it":                   {situation{why: fillAhead, copy: urgent}, direct, false, fillsFail},
		"a copy has no time to":                 {situation{why: fillAhead, copy: dead}, direct, false, fillsWait},
		"it may not ask":                        {situation{why: fillForCaller, wanted: true}, serves, false, fillsFail},
		"it may not ask, though nobody waits":   {situation{why: fillAhead}, serves, false, fillsFail},
		"a Refresh that nobody awaits any more": {situation{why: fillForced, refresh: &refresh{}}, direct, false, fillsWait},
	} {
		test.s.at, test.s.timeLeft = at, time.Minute
		assert.Equal(t, test.want, test.s.afterTrouble(test.a, test.hasTurn), edge)
	}
}

func TestPatienceForTurn(t *testing.T) {
	at := now()
	const left = 40 * time.Second
	long, short := feishuCopy(time.Minute, at), feishuCopy(30*time.Second, at)
	for edge, test := range map[string]struct {
		s      situation
		wanted bool
		want   time.Duration
	}{
		"a Get":                      {situation{why: fillForCaller}, true, left},
		"nobody":                     {situation{why: fillAhead}, false, 0},
		"a copy that lasts":          {situation{why: fillAhead, copy: long}, false, left},
		"until it is dead":           {situation{why: fillAhead, copy: short}, true, 30*time.Second - short.window.dead},
		"Refresh, whatever the copy": {situation{why: fillForced, copy: short}, true, left},
		"Refresh that nobody awaits": {situation{why: fillForced, copy: short}, false, 0},
	} {
		test.s.at, test.s.timeLeft, test.s.wanted = at, left, test.wanted
		assert.Equal(t, test.want, test.s.patienceForTurn(), edge)
	}
}

// Whatever the situation and the look: a copy is never waited for, nothing fails that has one and
// does not insist, and nobody asks whom a failure, a holder or itself keeps from that.
func FuzzDecide(f *testing.F) {
	f.Add(uint8(0), int64(time.Hour), int64(0), int64(noKey), int64(0), uint8(0))
	f.Add(uint8(1), int64(0), int64(time.Second), int64(time.Second), int64(time.Second), uint8(255))
	f.Add(uint8(2), int64(time.Minute), int64(time.Hour), int64(noTTL), int64(time.Minute), uint8(7))
	f.Fuzz(func(t *testing.T, why uint8, remaining, keptOff, lockTTL, hold int64, bits uint8) {
		at, redis := now(), time.UnixMilli(1_700_000_000_000)
		bit := func(i uint) bool { return bits>>i&1 == 1 }
		s := situation{
			why: []*purpose{fillAhead, fillForCaller, fillForced}[why%3], waited: bit(1), mayOverride: bit(2),
			at: at, keptOff: max(0, time.Duration(keptOff)), window: feishuWindow, lease: longestLease,
		}
		if c := feishuCopy(min(feishuLife, time.Duration(remaining)), at); c.usableAt(at) {
			s.copy = c
		}
		if s.keptOff > 0 {
			s.keptOffWhy = ErrRejected
		}
		if s.why.insists {
			s.refresh = &refresh{overriding: bit(3), until: redis.Add(time.Duration(hold))}
		}
		v := &view{at: at, now: redis, lockTTL: time.Duration(lockTTL)}
		if bit(4) {
			v.failure = &failure{hold: min(maxHold, max(0, time.Duration(hold))), until: redis.Add(time.Duration(hold)), err: &IssuerError{Class: Class(bits >> 5), Local: bit(5)}}
		}
		a := s.decide(v)
		waits := a.next == sitOut || a.next == awaitOthers || a.next == awaitHolder
		assert.False(t, waits && s.canStop(), "a copy serves")
		assert.False(t, a.err != nil && (s.canStop() || a.next != stop), "what fails has stopped, and has no copy to serve")
		assert.False(t, a.next == tryLock && (v.failure.holds() && !a.overrides || v.locked() || s.keptOff > 0), "it may not ask")
		assert.False(t, a.overrides && !s.why.insists, "only Refresh passes a failure")
		assert.GreaterOrEqual(t, a.spread, time.Duration(0))
		assert.Equal(t, a.lockHeld, v.locked() && a.next != done && (!v.failure.holds() || a.overrides), "of the lock the takeover's watch has to know")
	})
}
