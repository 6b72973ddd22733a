package sim

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Each field of each record in Redis, damaged by itself. Who may write to Redis can do that, and
// so can a bug of another version. It costs a call at most, or the wait that the damaged record
// tells, which is bounded.
var fieldFaults = []kind{
	{
		name: "token field damaged", family: fields, everyReplica: true, everyApp: true, onCall: 0.3, shortest: 1, longest: 1,
		trouble: trouble{lost: true, repeats: 2}, begin: damages(tokenFields, tokenOf),
	}, {
		name: "failure field damaged", family: fields, everyReplica: true, everyApp: true, shortest: 1, longest: 1,
		trouble: trouble{lost: true, failure: true, repeats: 1}, begin: damages(failureFields, failureOf),
	}, {
		name: "tombstone field damaged", family: fields, everyReplica: true, shortest: 1, longest: 1,
		trouble: trouble{lost: true, repeats: 2}, begin: damages(tombstoneFields, tombstoneOf),
	}, {
		name: "refused field damaged", family: fields, everyReplica: true, shortest: 1, longest: 1,
		trouble: trouble{failure: true, repeats: 1}, begin: damages(refusedFields, refusedOf),
	}, {
		name: "lock damaged", family: fields, everyReplica: true, shortest: 1, longest: 1,
		trouble: trouble{lost: true, failure: true, repeats: 2}, begin: damages(lockFields, lockedOf),
	},
}

// damage of a field.
type damage string

const (
	missing     damage = "missing"
	empty       damage = "empty"
	garbled     damage = "garbled"
	ofOlder     damage = "of an older record"
	ofOther     damage = "of another credential"
	tooLarge    damage = "too large"
	negative    damage = "negative"
	manyDamages        = 7
)

var allDamages = [manyDamages]damage{missing, empty, garbled, ofOlder, ofOther, tooLarge, negative}

// The fields of each record. Those that are texts have words, in this order.
var (
	tokenFields = []string{
		"token.sealed", "token.fingerprint", "token.life", "token.sum", "token.checked_at", "token.ends_at",
		"token.stored_at", "token.fetched_by", "token.fetched_at", "token.window", "token.issuer_url",
	}
	failureFields = []string{
		"failure.nonce", "failure.until", "failure.attempts", "failure.shut_out", "failure.local", "failure.issuer",
		"failure.class", "failure.code", "failure.status", "failure.message", "failure.log_id", "failure.advice",
		"failure.by", "failure.replica_id", "failure.refused", "failure.issuer_url",
	}
	tombstoneFields = []string{"tombstone.ms", "tombstone.count", "tombstone.nonce", "tombstone.outcome"}
	refusedFields   = []string{"refused.row", "refused.last", "refused.until"}
	lockFields      = []string{"lock.value"}
)

// Damages returns the name that each pair of field and damage is counted by.
func Damages() (names []string) {
	for _, list := range [][]string{tokenFields, failureFields, tombstoneFields, refusedFields, lockFields} {
		for _, field := range list {
			for _, d := range allDamages {
				names = append(names, damageName(field, d))
			}
		}
	}
	return names
}

func damageName(field string, d damage) string { return "damage " + field + " " + string(d) }

// pairOf is the field and the damage of a turn. Turns that follow each other, or are as far apart
// as the seeds of a profile, come to all pairs: the golden ratio spreads any such row evenly.
func pairOf(list []string, turn uint64) (field string, d damage) {
	_, part := math.Modf(float64(turn) * (math.Sqrt(5) - 1) / 2)
	n := int(part * float64(len(list)*manyDamages))
	return list[n/manyDamages], allDamages[n%manyDamages]
}

// kept is a record whose fields can be set by name. Nil: there is none.
type kept interface {
	get(field string) string
	set(field, value string)
	remove(field string)
}

// holder finds the record of an app, or has the fleet make one.
type holder func(w *world, f *fault, a *app, r *replica, rng *rand.Rand) kept

// damages has one field of a record that there is damaged.
func damages(list []string, of holder) begin {
	return func(w *world, f *fault, r *replica, rng *rand.Rand) effect {
		a := w.apps[f.app]
		full, d := pairOf(list, f.turn)
		what, field, _ := strings.Cut(full, ".")
		record := of(w, f, a, r, rng)
		if record == nil {
			return effect{}
		}
		older := w.older(a, what, rng)
		if what != "tombstone" { // of which there may be several, with one name
			w.keepOlder(a, what, list, record)
		}
		w.log.add("fault", "%s of %s %s", full, a.name, d)
		w.tally.add(damageName(full, d))
		w.losesRecord(what, a, d, func() { w.harm(what, field, d, record, older, rng) })
		return done
	}
}

// harm does it.
func (w *world) harm(what, field string, d damage, record kept, older map[string]string, rng *rand.Rand) {
	switch d {
	case missing:
		record.remove(field)
	case empty:
		record.set(field, "")
	case garbled:
		record.set(field, []string{"garbled", "\x00\xff", "nan", " ", "1e300", randomText(rng, 30)}[rng.IntN(6)])
	case ofOlder:
		record.set(field, older[field])
	case ofOther:
		other := w.recordOf(what, record)
		if other == nil { // the other has none
			record.set(field, "somebody else's")
			return
		}
		ours, theirs := record.get(field), other.get(field)
		record.set(field, theirs)
		other.set(field, ours)
	case tooLarge:
		record.set(field, []string{"9007199254740993", "9223372036854775807", "99999999999999999999", strings.Repeat("9", 5000)}[rng.IntN(4)])
	case negative:
		record.set(field, []string{"-1", "-7200000", "-9223372036854775808"}[rng.IntN(3)])
	}
}

// losesRecord has the checker know what may be lost with a field.
func (w *world) losesRecord(what string, a *app, d damage, do func()) {
	whom := a
	if d == ofOther {
		whom = nil // both
	}
	switch what {
	case "token":
		w.loses(whom, do)
	case "failure":
		do()
		for _, one := range w.apps {
			w.heldByFailure(one)
		}
	case "tombstone":
		do()
		w.check.forgets(whom, true)
	case "refused":
		do()
		w.check.forgets(whom, false)
	case "lock":
		do()
		for _, one := range w.apps {
			w.check.noteLock(one)
		}
	}
}

// forgets notes that rejections may be forgotten, or only how many there were in a row.
func (c *checker) forgets(a *app, rejections bool) {
	graves := map[string]string{}
	for _, key := range c.w.redis.Server().Keys() {
		if strings.Contains(key, ":rejected:") {
			graves[key], _ = c.w.redis.Server().Get(key)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.records {
		if a != nil && a.index != i {
			continue
		}
		if c.records[i].rowDamaged = time.Now(); rejections {
			c.records[i].forgot = time.Now()
			c.graves = graves
		}
	}
}

// damagedGrave reports whether a tombstone is as somebody has left it, who has damaged one.
func (c *checker) damagedGrave(key, text string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	was, known := c.graves[key]
	return known && was == text
}

// longestHold is how long a failure holds at most, whatever it says.
const longestHold = 5 * time.Minute

// heldByFailure expects of a failure what it tells, as if the issuer had failed so.
func (w *world) heldByFailure(a *app) {
	until, err := strconv.ParseInt(w.redis.Server().HGet(w.key(a, "failure"), "until"), 10, 64)
	hold := time.Duration(until-w.redisNow()) * time.Millisecond
	if err != nil || until == 0 || hold <= 0 || hold > longestHold {
		return // it holds nobody
	}
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.troubles = append(w.troubles, &trouble{
		name: "held by a damaged failure", from: now, to: now.Add(hold), replica: everybody, app: a.index, issuer: true, tail: slack,
	})
}

// older is a record of the same kind and app from before, or what might have been one.
func (w *world) older(a *app, what string, rng *rand.Rand) map[string]string {
	w.mu.Lock()
	known := w.past[a.name+what]
	w.mu.Unlock()
	if known != nil {
		return known
	}
	now := w.redisNow() - int64(rng.IntN(100000))
	return map[string]string{
		"sealed": randomText(rng, 100), "fingerprint": randomText(rng, 24), "life": "60000", "sum": fmt.Sprintf("%040x", rng.Uint64()),
		"checked_at": fmt.Sprint(now), "ends_at": fmt.Sprint(now), "stored_at": fmt.Sprint(now), "fetched_at": fmt.Sprint(now), "window": "1000",
		"until": fmt.Sprint(now), "attempts": "5", "shut_out": "5", "class": "permanent", "local": "1", "refused": "1",
		"ms": fmt.Sprint(now), "count": "3", "outcome": "alone", "row": "4", "last": "somebody", "value": randomText(rng, 24),
	}
}

func (w *world) keepOlder(a *app, what string, list []string, record kept) {
	past := map[string]string{}
	for _, full := range list {
		_, field, _ := strings.Cut(full, ".")
		past[field] = record.get(field)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.past[a.name+what] = past
}

// recordOf is that of another app than the record's; nil if it has none.
func (w *world) recordOf(what string, record kept) kept {
	for _, a := range w.apps {
		if other := w.find(what, a); other != nil && other != record {
			return other
		}
	}
	return nil
}

// find returns the record of an app, if it has one.
func (w *world) find(what string, a *app) kept {
	server := w.redis.Server()
	switch what {
	case "token", "failure":
		if key := w.key(a, what); server.Type(key) == "hash" {
			return hash{w, key}
		}
	case "tombstone":
		for _, key := range server.Keys() { // sorted
			if strings.HasPrefix(key, w.key(a, "rejected:")) && server.Type(key) == "string" {
				return textOf(w, key, tombstoneFields)
			}
		}
	case "refused":
		if key := w.key(a, what); server.Type(key) == "string" {
			return textOf(w, key, refusedFields)
		}
	case "lock":
		if key := w.key(a, what); server.Type(key) == "string" {
			return textOf(w, key, lockFields)
		}
	}
	return nil
}

func tokenOf(w *world, _ *fault, a *app, _ *replica, _ *rand.Rand) kept { return w.find("token", a) }

// failureOf plants a sound one if there is none, of somebody who has just failed.
func failureOf(w *world, _ *fault, a *app, _ *replica, rng *rand.Rand) kept {
	if record := w.find("failure", a); record != nil {
		return record
	}
	key, ctx := w.key(a, "failure"), context.Background()
	if w.redis.Server().Exists(key) {
		return nil // not ours
	}
	hold := spread(rng, 100*time.Millisecond, 8*time.Second).Truncate(time.Millisecond)
	_ = w.admin.HSet(ctx, key,
		"nonce", randomText(rng, 16), "until", w.redisNow()+hold.Milliseconds(), "attempts", 1, "shut_out", 0, "local", 0,
		"issuer", "feishu", "class", "transient", "code", 0, "status", 503, "message", "unavailable", "log_id", "", "advice", "wait",
		"by", "somebody", "replica_id", "somebody", "refused", 0, "issuer_url", "").Err()
	_ = w.admin.PExpire(ctx, key, hold+10*time.Minute).Err()
	w.heldByFailure(a)
	return w.find("failure", a)
}

// tombstoneOf has a token revoked and rejected if none was yet.
func tombstoneOf(w *world, _ *fault, a *app, r *replica, _ *rand.Rand) kept {
	if w.find("tombstone", a) == nil {
		w.rejectNow(a, r)
	}
	return w.find("tombstone", a)
}

// refusedOf plants a row of one if there is none.
func refusedOf(w *world, _ *fault, a *app, _ *replica, _ *rand.Rand) kept {
	if w.find("refused", a) == nil {
		key := w.key(a, "refused")
		_ = w.redis.Server().Set(key, "1 somebody 0")
		w.redis.Server().SetTTL(key, w.s.rowLasts())
	}
	return w.find("refused", a)
}

// rowLasts is how long Redis remembers a row of one.
func (s *Scenario) rowLasts() time.Duration { return 2 * min(time.Minute, s.life/4) }

// rejectNow has the current token revoked, and a replica find out.
func (w *world) rejectNow(a *app, r *replica) {
	tok, ok := r.sources[a.index].Peek()
	if !ok {
		return
	}
	a.keep(false)
	w.revoke(a)
	if !a.issuer.Valid(tok.AppAccessToken()) {
		r.invalidate(a, tok)
	}
}

// lockedOf has a replica ask, and takes the lock that it has then.
func lockedOf(w *world, f *fault, a *app, r *replica, rng *rand.Rand) kept {
	if w.find("lock", a) != nil {
		return w.find("lock", a)
	}
	hand, asked := newLane(75-f.app), w.arm()
	t := w.trouble(&kind{name: "refreshed for its lock", trouble: trouble{failure: true, repeats: 1}}, r.index, a.index)
	w.gets.Go(func() {
		r.refresh(a)
		w.pass(t)
	})
	w.isCalled(asked, hand)
	w.disarm(asked)
	hand.sleep(between(rng, 0, w.s.latency/2))
	return w.find("lock", a)
}

// hash is a record that is one.
type hash struct {
	w   *world
	key string
}

func (h hash) get(field string) string { return h.w.redis.Server().HGet(h.key, field) }
func (h hash) set(field, value string) { h.w.redis.Server().HSet(h.key, field, value) }
func (h hash) remove(field string)     { h.w.redis.Server().HDel(h.key, field) }

// text is a record of words.
type text struct {
	w      *world
	key    string
	fields string // their names, with spaces between
}

func textOf(w *world, key string, list []string) text {
	names := make([]string, len(list))
	for i, full := range list {
		_, names[i], _ = strings.Cut(full, ".")
	}
	return text{w, key, strings.Join(names, " ")}
}

// split returns the words, as many as there are names.
func (x text) split() (names, values []string) {
	names = strings.Split(x.fields, " ")
	all, _ := x.w.redis.Server().Get(x.key)
	values = strings.SplitN(all, " ", len(names))
	for len(values) < len(names) {
		values = append(values, "")
	}
	return names, values
}

func (x text) get(field string) string {
	names, values := x.split()
	return values[slices.Index(names, field)]
}

func (x text) set(field, value string) {
	names, values := x.split()
	values[slices.Index(names, field)] = value
	x.write(values)
}

func (x text) remove(field string) {
	names, values := x.split()
	n := slices.Index(names, field)
	if values = slices.Delete(values, n, n+1); len(values) == 0 {
		x.w.redis.Server().Del(x.key)
		return
	}
	x.write(values)
}

// write keeps the TTL.
func (x text) write(values []string) {
	server := x.w.redis.Server()
	ttl := server.TTL(x.key)
	_ = server.Set(x.key, strings.Join(values, " "))
	server.SetTTL(x.key, ttl)
}
