package tokencache

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/onetoken-go/onetoken/internal/wire"
	"github.com/onetoken-go/onetoken/lock"
)

// keys of one credential. They share a hash tag and thereby a cluster slot. Only what they have
// in common is kept: a process may have 10,000 of them.
type keys struct {
	id   string
	base string // of each
}

func keysOf(prefix, id string) keys { return keys{id, prefix + ":{" + id + "}:"} }

func (k keys) token() string             { return k.base + "token" }
func (k keys) lock() string              { return k.base + "lock" }
func (k keys) failure() string           { return k.base + "failure" }
func (k keys) channel() string           { return k.base + "events" }
func (k keys) refused() string           { return k.base + "refused" }
func (k keys) rejected(fp string) string { return k.base + "rejected:" + fp }

//go:embed scripts/read.lua
var readLua string

//go:embed scripts/publish.lua
var publishLua string

//go:embed scripts/fail.lua
var failLua string

//go:embed scripts/invalidate.lua
var invalidateLua string

var (
	readScript       = redis.NewScript(readLua)
	publishScript    = redis.NewScript(publishLua)
	failScript       = redis.NewScript(failLua)
	invalidateScript = redis.NewScript(invalidateLua)
)

// store is the record of one credential in Redis: the scripts and what their
// answers mean. It keeps no state; every method is one round trip, and one more
// when Redis has not seen the script yet. Errors are *RedisError, or ctx's if it ended
// meanwhile.
type store struct {
	redis *guard
	keys  keys
	seal  wire.Sealer // zero for who only looks, and has not the secret: it opens nothing
	of    Credential  // zero for who only looks
}

// view is one look at everything, as of the moment it was asked for.
type view struct {
	at      instant   // before the question was sent
	now     time.Time // by Redis' clock
	record  *record   // nil: nothing that can be used
	garbled string    // why a record that is there cannot be used
	foreign string    // the sum of one that is sound, but cannot be opened
	lockTTL time.Duration
	failure *failure
	url     string      // the issuer's, as it is written there; "" if it is not
	claim   *lock.Claim // the lock was taken in the same step: nothing else of the view was there
}

func (v *view) locked() bool { return v.lockTTL > 0 || v.lockTTL == noTTL }

// lastWord is when the issuer was asked for its last word on what is stored, by Redis' clock.
func (v *view) lastWord() time.Time { return v.now.Add(-v.record.checked) }

// news tells two views apart by what a holder of the lock may leave behind.
func (v *view) news() string {
	token, until := "none", ""
	if v.record != nil {
		token = v.record.fingerprint
	}
	if v.failure != nil {
		until = wire.UnixMillis(v.failure.until)
	}
	return token + " " + until
}

// read is what a fill has to know; with "all", what a person wants to know besides.
func (s store) read(ctx context.Context, all ...any) (*view, error) {
	v, _, err := s.readWith(ctx, all...)
	return v, err
}

func (s store) readWith(ctx context.Context, args ...any) (v *view, taken bool, err error) {
	at := now()
	keys := []string{s.keys.token(), s.keys.lock(), s.keys.failure()}
	err = s.run(ctx, readScript, keys, func(r *answer) { v, taken = s.parseView(r, at) }, args...)
	return v, taken, err
}

// readAndLock is a read that takes the lock on the way, if there is neither a token nor
// a failure. Nobody comes between the two, so that what was read still holds. The lock's
// TTL in the view is that of before.
func (s store) readAndLock(ctx context.Context, l *lock.Locker, lease, atMost time.Duration) (*view, error) {
	claim, err := l.Claim(ctx, s.keys.lock(), lease, atMost)
	if err != nil {
		return nil, whoseError(ctx, err, s.keys.id)
	}
	useless := true // unless it says otherwise, above all if a hook of the client's panics
	defer func() {
		if useless {
			claim.Drop()
		}
	}()
	v, taken, err := s.readWith(ctx, "", claim.Value(), wire.Millis(claim.TTL()))
	if err != nil {
		return nil, err
	}
	useless = taken && claim.Over() // the look is good, whatever became of the lock
	if taken && !useless {
		v.claim = claim
	}
	return v, nil
}

// parseView reads the reply of read.lua, and whether that took the lock. With r.err neither
// means anything.
func (s store) parseView(r *answer, at instant) (v *view, taken bool) {
	v = &view{at: at, now: r.moment(0), lockTTL: r.ttl(3)}
	stored, failed := r.fields(2), r.fields(5)
	v.record, v.garbled, v.foreign = s.recordOf(stored, r.ttl(1), v.now, at)
	v.failure = parseFailure(failed, r.ttl(4), v.now)
	v.url = cmp.Or(wordAt(stored, fieldIssuerURL), wordAt(failed, failIssuerURL))
	return v, r.flag(6)
}

// wordAt is a field that only people read.
func wordAt(fields []string, i int) string {
	if i >= len(fields) {
		return ""
	}
	return word(fields[i])
}

// recordOf parses a record and opens it. If that cannot be used: why, and its sum if it is
// sound, but sealed with another key or by another version of this.
func (s store) recordOf(fields []string, ttl time.Duration, redisNow time.Time, at instant) (r *record, garbled, foreign string) {
	r, garbled = parseRecord(fields, ttl, redisNow)
	if r == nil {
		return nil, garbled, ""
	}
	r.at, r.now = at, redisNow
	if s.seal.IsZero() {
		return r, "", ""
	}
	if err := r.open(s.seal, s.keys.id); err != nil {
		return nil, err.Error(), r.sum
	}
	return r, "", ""
}

// offer is a token to publish.
type offer struct {
	token   Token
	margin  time.Duration // life left that is too short to be of use
	window  time.Duration // the issuer's
	asked   time.Time     // Redis' clock, when the issuer was about to be asked
	elapsed time.Duration // since then, by our own clocks
	took    time.Duration // of that: the call
	by      string
	lock    string // its value, if it is held
	instead string // with the lock: the sum of a stored record that it could not open, and that makes way
	putBack bool   // got without Redis, some time ago: any tombstone refuses it
}

// publish offers a token and returns what is stored afterwards: nil if that cannot
// be read, or if the offer was expired or rejected.
func (s store) publish(ctx context.Context, o offer) (out Outcome, stored *record, err error) {
	at := now()
	app, tenant := o.token.reveal()
	fp := o.token.Fingerprint()
	sealed, err := s.seal.SealRecord(s.keys.id, app, tenant, o.token.life())
	if err != nil { // no Source has such a token, or no key
		return "", nil, redisErrorOf(malformed(err.Error()), s.keys.id)
	}
	// Elapsed is rounded up: a token may seem older than it is, never younger.
	elapsed := (o.elapsed + time.Millisecond - 1).Milliseconds()
	keys := []string{s.keys.token(), s.keys.failure(), s.keys.rejected(fp), s.keys.lock()}
	err = s.run(ctx, publishScript, keys, func(r *answer) {
		out = r.outcome(OutcomeStored, OutcomeRenewed, OutcomeKept, OutcomeExpired, OutcomeRejected)
		if out != OutcomeExpired && out != OutcomeRejected {
			stored, _, _ = s.recordOf(r.fields(3), r.ttl(2), r.moment(1), at)
		}
	}, sealed, fp, wire.Millis(o.token.life()), o.asked.UnixMilli(), elapsed, o.by, wire.Millis(o.margin), o.putBack, wire.Millis(o.window), o.lock, o.instead, s.of.IssuerURL(), wire.Millis(o.took))
	if err != nil {
		return "", nil, err
	}
	return out, stored, nil
}

// replica says who writes: by name, which is for people and which several may share, and
// by an identity that no other Cache has.
type replica struct{ name, id string }

// fail records a failed call for the fleet, if the lock is still ours, and
// returns how long it holds everyone back.
func (s store) fail(ctx context.Context, lockValue string, e *IssuerError, draw float64, by replica) (hold time.Duration, err error) {
	b := backoffOf(e)
	err = s.run(ctx, failScript, []string{s.keys.lock(), s.keys.failure()}, func(r *answer) {
		if r.outcome(outcomeFailed, outcomeNotHeld) == outcomeFailed {
			hold = r.millis(1)
		}
	}, lockValue, wire.Millis(b.base), wire.Millis(b.limit), int(draw*1000), e.Local,
		e.Issuer, e.Class.String(), e.Code, e.Status, e.Message, e.LogID, e.Advice, by.name, by.id, s.of.IssuerURL())
	return hold, err
}

// The cool-down of a rejected token that the issuer keeps handing out.
const (
	coolDown        = time.Minute
	longestCoolDown = 30 * time.Minute
)

// notice is a rejection to tell of. The nonce makes a replay harmless.
type notice struct {
	fp, nonce string
	remaining time.Duration // what the caller knows of the token's life, 0 for nothing
	issuer    string
	by        replica
	draw      float64 // from [0, 1)
}

// verdict is what became of a rejection.
type verdict struct {
	out  Outcome
	at   time.Time     // of the rejection, by Redis' clock
	news bool          // nobody has told Redis before
	wait time.Duration // with OutcomePaced the fleet's, with OutcomeAlone the caller's
	row  int           // fresh tokens in a row that were rejected
}

func (s store) invalidate(ctx context.Context, n notice) (v verdict, err error) {
	keys := []string{s.keys.token(), s.keys.rejected(n.fp), s.keys.failure(), s.keys.refused()}
	err = s.run(ctx, invalidateScript, keys, func(r *answer) {
		v = verdict{
			out:  r.outcome(OutcomeDropped, OutcomePaced, OutcomeAlone, OutcomeOther, OutcomeCoolDown),
			wait: r.millis(1), row: r.count(2), at: r.moment(3), news: r.flag(4),
		}
	}, n.fp, n.nonce, wire.Millis(coolDown), wire.Millis(longestCoolDown), wire.Millis(max(0, n.remaining)),
		wire.Millis(longestFresh), wire.Millis(refusalBackoff.base), wire.Millis(refusalBackoff.limit), int(n.draw*1000), n.issuer, refusalAdvice, n.by.name, n.by.id)
	return v, err
}

// mendLockTTL gives a lock key without a TTL, or with one longer than any lease, a TTL
// that it may have: after a failover to a server whose clock is minutes behind, the lock of
// whoever died with the old one would last for as long.
func (s store) mendLockTTL(ctx context.Context, lease time.Duration) error {
	if err := s.redis.PExpire(ctx, s.keys.lock(), lease); err != nil {
		return whoseError(ctx, err, s.keys.id)
	}
	return nil
}

// announce sends an event. It is a command of its own rather than part of a
// pipeline: go-redis keeps other, larger connections for pipelines, and opening
// one costs more than the round trip.
func (s store) announce(ctx context.Context, kind, about string) error {
	if err := s.redis.Publish(ctx, s.keys.channel(), strings.TrimSpace(kind+" "+about)); err != nil {
		return whoseError(ctx, err, s.keys.id)
	}
	return nil
}

// announceToken tells of what is stored, and hands it over to who hears.
func (s store) announceToken(ctx context.Context, r *record) error {
	app, tenant := r.token.reveal()
	times := wire.TokenTimes{StoredAt: r.now, CheckedAt: r.checkedAt, EndsAt: r.now.Add(r.remaining)}
	sealed, err := s.seal.SealToken(s.keys.id, app, tenant, r.life, times)
	if err != nil {
		return redisErrorOf(malformed(err.Error()), s.keys.id)
	}
	if len(sealed) > wire.LongestSealInEvent {
		sealed = ""
	}
	return s.announce(ctx, wire.EventToken, wire.TokenHint{Fingerprint: r.fingerprint, Life: r.life, At: times, Sealed: sealed}.String())
}

// announceRejection tells of a rejection that Redis has dated.
func (s store) announceRejection(ctx context.Context, fp string, at time.Time) error {
	sealed, err := s.seal.SealRejection(s.keys.id, fp, at)
	if err != nil {
		return redisErrorOf(malformed(err.Error()), s.keys.id)
	}
	return s.announce(ctx, wire.EventRejection, wire.RejectionHint{Fingerprint: fp, At: at, Sealed: sealed}.String())
}

// run has a script run, and its answer parsed. With an error, what was parsed means nothing.
func (s store) run(ctx context.Context, script *redis.Script, keys []string, parse func(*answer), args ...any) error {
	reply, err := script.Run(ctx, s.redis, keys, args...).Result()
	if err != nil {
		return whoseError(ctx, err, s.keys.id)
	}
	r := &answer{}
	if r.parts, _ = reply.([]any); r.parts == nil {
		return redisErrorOf(malformed(fmt.Sprintf("a reply of %T", reply)), s.keys.id)
	}
	if parse(r); r.err != nil {
		return redisErrorOf(r.err, s.keys.id)
	}
	return nil
}

// answer reads a script's reply part by part. A part that is not as the script has it sets
// err, which stays: whoever has read must look at it before using anything. Times come as
// strings, since miniredis cuts an integer to the machine's word.
type answer struct {
	parts []any
	err   error
}

// millis is a duration, 0 or more.
func (r *answer) millis(i int) time.Duration {
	ms, ok := wire.ParseMillis(r.text(i))
	if !ok {
		r.malformed(i)
	}
	return ms
}

// count is a number, 0 or more.
func (r *answer) count(i int) int { return int(r.millis(i).Milliseconds()) }

// ttl is what is left of a key: more than 0, noTTL or noKey; 0 as it ends.
func (r *answer) ttl(i int) time.Duration {
	switch r.text(i) {
	case "-1":
		return noTTL
	case "-2":
		return noKey
	}
	return r.millis(i)
}

// moment is one by Redis' clock.
func (r *answer) moment(i int) time.Time { return time.UnixMilli(r.millis(i).Milliseconds()) }

// outcome is the first part, and one of those.
func (r *answer) outcome(known ...Outcome) Outcome {
	out := Outcome(r.text(0))
	if !slices.Contains(known, out) {
		r.malformed(0)
		return ""
	}
	return out
}

// flag is '1' or '0'.
func (r *answer) flag(i int) bool {
	s := r.text(i)
	if s != "0" && s != "1" {
		r.malformed(i)
	}
	return s == "1"
}

func (r *answer) text(i int) string {
	var s string
	ok := i < len(r.parts)
	if ok {
		s, ok = r.parts[i].(string)
	}
	if !ok {
		r.malformed(i)
	}
	return s
}

// fields are those of a hash in the order asked for; what it does not have is empty.
func (r *answer) fields(i int) []string {
	var list []any
	ok := i < len(r.parts)
	if ok {
		list, ok = r.parts[i].([]any)
	}
	if !ok {
		r.malformed(i)
	}
	out := make([]string, len(list))
	for j, v := range list {
		if v == nil {
			continue
		}
		if out[j], ok = v.(string); !ok {
			r.malformed(i)
		}
	}
	return out
}

// malformed says which part it was; what stands there may be a secret.
func (r *answer) malformed(i int) {
	if r.err == nil {
		r.err = malformed(fmt.Sprintf("a reply whose part %d of %d is not as the script gives it", i+1, len(r.parts)))
	}
}

// malformed is an answer of Redis that no script of ours gives.
type malformed string

func (m malformed) Error() string { return string(m) }

// RedisError tells it from silence: see [redis.Error].
func (malformed) RedisError() {}
