package sim

import (
	"strconv"
	"strings"
	"time"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// stored is the record of an app as it was last seen in Redis.
type stored struct {
	token     string    // app access token, "" if there is none
	ends      time.Time // as the record says
	best      time.Time // the end of the latest that must not be fallen behind
	bestName  string
	checked   string    // checked_at: each publish that writes changes it
	published bool      // since it was last looked at
	ours      bool      // this build can open it
	oursSince time.Time // when that last changed
	tampered  bool      // somebody wrote there by hand, and nobody has published since
	rejected  map[string]rejection
	forgot    time.Time // Redis lost a rejection
	redated   time.Time // somebody changed the date of the last word on the token that the record has

	rowDamaged time.Time // when it was last seen to have a row of them on which somebody has laid hands

	born  map[string]time.Duration // by token and ends_at: how far Redis' clock was ahead when that was written
	ahead time.Duration            // of them, the one of the present record

	writtenFor string // the token and ends_at of that
	writtenEnd int64

	drifted map[string]time.Duration // by token: the most that its record has lasted too long since

	usableSince time.Time // this token or those before it, without a gap; zero if it is not
}

// bornAt notes which record is stored, and how much longer it seems to last than it should: by
// as much as Redis' clock was set back since it was written.
func (c *checker) bornAt(a *app, token, end string) (drift time.Duration) {
	c.mu.Lock()
	_, known := c.records[a.index].born[token+" "+end]
	c.mu.Unlock()
	ahead := c.w.clock.ahead()
	written := ahead
	if !known {
		written += c.unnoticed(a, token)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s := &c.records[a.index]
	if s.born == nil {
		s.born, s.drifted = map[string]time.Duration{}, map[string]time.Duration{}
	}
	at, _ := strconv.ParseInt(end, 10, 64)
	if !known && s.writtenFor == token && s.writtenEnd-at <= 2 && at <= s.writtenEnd { // kept, and its TTL in whole milliseconds
		written = s.ahead
	}
	if !known { // else it may have come back
		s.born[token+" "+end] = written
	}
	s.ahead = s.born[token+" "+end]
	s.writtenFor, s.writtenEnd = token, at
	return s.drifts(ahead)
}

// unnoticed is how long a publish took to Redis, if Redis' clock was set back by so much
// since the issuer was asked: nobody's clock tells.
func (c *checker) unnoticed(a *app, token string) time.Duration {
	one := a.lastCall(token)
	if one.Arrived.IsZero() {
		return 0
	}
	return min(c.w.clock.setBack(one.Arrived.Add(-longestLook)), time.Since(one.Answered))
}

func (s *stored) drifts(ahead time.Duration) (drift time.Duration) {
	drift = s.ahead - ahead
	if s.token != "" {
		s.drifted[s.token] = max(s.drifted[s.token], drift)
	}
	return drift
}

// usableAt reports whether it lasts beyond that moment by more than a margin.
func (s *stored) usableAt(at time.Time, margin time.Duration) bool {
	return s.token != "" && !s.tampered && s.ends.Sub(at) > margin
}

// loses has data of an app, or of all, lost or written by somebody else.
func (w *world) loses(a *app, do func()) {
	c, graves, dates := w.check, make([]int, len(w.apps)), make([][2]string, len(w.apps))
	for i, other := range w.apps {
		graves[i], dates[i] = w.graves(other), w.dated(other)
	}
	do()
	for i, other := range w.apps {
		if a != nil && a != other {
			continue
		}
		c.noteLock(other)
		c.wroteByHand(other)
		server, key := w.redis.Server(), w.key(other, "token")
		c.mu.Lock()
		r := &c.records[i]
		r.usableSince = time.Time{}
		if w.graves(other) < graves[i] {
			r.forgot = time.Now()
		}
		if now := w.dated(other); now[0] == dates[i][0] && now[1] != dates[i][1] {
			r.redated = time.Now()
		}
		r.best, r.tampered = time.Time{}, true
		r.token, r.checked = other.stored(server.HGet(key, "fingerprint")), server.HGet(key, "checked_at")
		c.mu.Unlock()
	}
}

// dated is the token that Redis holds, and when the issuer was asked for its last word on it.
func (w *world) dated(a *app) [2]string {
	server, key := w.redis.Server(), w.key(a, "token")
	return [2]string{server.HGet(key, "fingerprint"), server.HGet(key, "checked_at")}
}

// graves counts the rejections that Redis knows.
func (w *world) graves(a *app) (n int) {
	for _, key := range w.redis.Server().Keys() {
		if strings.HasPrefix(key, w.key(a, "rejected:")) {
			n++
		}
	}
	return n
}

// tampered returns for each app whether the stored token was changed by hand.
func (c *checker) tampered() (yes []bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.records {
		yes = append(yes, r.tampered)
	}
	return yes
}

// rejecting says that a replica is about to reject a token: it may be gone from now on.
// Where the issuer hands it out again, that costs a call; of each replica which cannot
// be told that another has rejected it.
func (c *checker) rejecting(r *replica, a *app, token string, ownCounts bool) {
	alone := ownCounts && c.w.troubled(r.index, a.index, time.Now(), time.Now(), func(t *trouble) bool { return t.redis })
	pairs := a.issuer.Pairs()
	current := pairs[len(pairs)-1].App == token
	c.mu.Lock()
	defer c.mu.Unlock()
	record := &c.records[a.index]
	if record.rejected == nil {
		record.rejected = map[string]rejection{}
	}
	next, counts := record.rejected[token].again(time.Now())
	record.rejected[token] = next
	if (counts || alone) && current && a.keeps.Load() {
		c.w.rejectedButKept(a)
	}
	if record.bestName == token {
		record.best = time.Time{}
	}
}

// firstRejected returns when a rejection was told that somebody heard of later.
func (c *checker) firstRejected(a *app, token string, heard time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if told, yes := c.records[a.index].rejected[token].lastBy(heard); yes {
		return told.at
	}
	return heard
}

// tolerance of I2, for the same token in whole seconds and on the way.
const tolerance = 2 * time.Second

// stored looks at Redis after everything that it has answered, and checks I2: what is
// stored never goes back to a token that ends earlier, but for a rejection or a loss
// of data. And no TTL is longer than the issuer meant it to be.
func (c *checker) stored() {
	for _, a := range c.w.apps {
		c.writtenOf(a)
		c.storedOf(a)
		c.lockOf(a)
	}
}

// writtenOf has what was written since the last answer be another version's, if one is about.
func (c *checker) writtenOf(a *app) {
	server := c.w.redis.Server()
	for _, what := range []string{"token", "failure"} {
		mark := server.HGet(c.w.key(a, what), map[string]string{"token": "stored_at", "failure": "nonce"}[what])
		c.mu.Lock()
		fresh := mark != "" && c.marks[a.name+what] != mark
		c.marks[a.name+what] = mark
		c.mu.Unlock()
		if fresh {
			c.w.versioned(a, what)
		}
		if fresh && what == "token" {
			c.published(a)
		}
	}
}

// published notes that the record is one that the fleet has just written.
func (c *checker) published(a *app) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.records[a.index].published = true
}

// wroteByHand has what is there by now be nobody's version.
func (c *checker) wroteByHand(a *app) {
	server := c.w.redis.Server()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.marks[a.name+"token"] = server.HGet(c.w.key(a, "token"), "stored_at")
	c.marks[a.name+"failure"] = server.HGet(c.w.key(a, "failure"), "nonce")
}

func (c *checker) storedOf(a *app) {
	server, key := c.w.redis.Server(), c.w.key(a, "token")
	token := a.stored(server.HGet(key, "fingerprint"))
	text, ahead := server.HGet(key, "ends_at"), c.w.clock.ahead()
	row := server.Exists(c.w.key(a, "refused"))
	c.mu.Lock()
	r := &c.records[a.index]
	if row && !r.rowDamaged.IsZero() {
		r.rowDamaged = time.Now() // until there is none
	} else if !row && time.Since(r.rowDamaged) > c.w.s.life {
		r.rowDamaged = time.Time{}
	}
	if !r.usableAt(time.Now(), c.w.s.margin()) { // it was not to the end, whatever comes now
		r.usableSince = time.Time{}
	}
	changed := r.token != token
	r.token = token
	checked := server.HGet(key, "checked_at")
	if token != "" && (changed || r.checked != checked || r.published) {
		r.tampered = false
	}
	written := r.checked != checked || r.published
	r.checked, r.published = checked, false
	end, _ := strconv.ParseInt(text, 10, 64)
	ends := time.UnixMilli(end).Add(-ahead) // as far as anybody can know: sooner than it does, after a slow call
	r.ends = ends
	if time.Until(ends) > c.w.s.life { // nobody believes that, and anything may replace it
		r.ends, r.best = time.Time{}, time.Time{}
	}
	if !r.usableAt(time.Now(), c.w.s.margin()) {
		r.usableSince = time.Time{}
	} else if r.usableSince.IsZero() {
		r.usableSince = time.Now()
	}
	if changed || written {
		if ours := c.w.isOurs(a); ours != r.ours {
			r.ours, r.oursSince = ours, time.Now()
		}
	}
	tampered, best, bestName := r.tampered, r.best, r.bestName
	c.mu.Unlock()
	drift := c.bornAt(a, token, text)
	if token == "" || tampered {
		return
	}
	n, pair := a.pair(token)
	if n == 0 {
		c.violated("I2", "redis", "a token is stored that the issuer of %s never gave", a.name)
		return
	}
	ttl := server.TTL(key)
	if late := time.Now().Add(ttl).Sub(pair.End) - drift; ttl <= 0 || late > time.Millisecond {
		c.violated("I2", "redis", "%s is stored for %v, %v longer than it lives", a.label(token), ttl, late)
	}
	if late := ends.Sub(pair.End) - drift; late > time.Millisecond {
		c.violated("I2", "redis", "%s is said to end %v later than it does", a.label(token), late)
	}
	if !changed {
		return
	}
	c.w.log.add("redis", "holds %s for %v", a.label(token), ttl)
	if back := best.Sub(ends); !best.IsZero() && back > tolerance {
		c.violated("I2", "redis", "%s replaced %s, which ends %v later", a.label(token), a.label(bestName), back)
	}
	if rejected, yes := c.w.tombstone(a, pair); yes && !a.handedOutAgain(token, rejected) {
		c.violated("I2", "redis", "%s is stored again, which was rejected at %.3f", a.label(token), c.w.log.since(rejected).Seconds())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.rejected[token].at.IsZero() && ends.After(r.best) {
		r.best, r.bestName = ends.Add(-max(0, drift)), token
	}
}

// tombstone returns when Redis was told that a token is rejected, as far as it knows, unless
// it was by one replica alone: that one may be put back for the others.
func (w *world) tombstone(a *app, p feishutest.Pair) (at time.Time, yes bool) {
	fp := tokencache.NewToken(p.App, p.Tenant, time.Hour).Fingerprint()
	key := w.key(a, "rejected:"+fp)
	text, err := w.redis.Server().Get(key)
	if w.check.damagedGrave(key, text) {
		return time.Time{}, false
	}
	ms, _, _ := strings.Cut(text, " ")
	n, bad := strconv.ParseInt(ms, 10, 64)
	return w.clock.moment(time.UnixMilli(n)), err == nil && bad == nil && !strings.HasSuffix(text, " alone")
}
