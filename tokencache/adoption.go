package tokencache

import "time"

// adoption is a token that might become the copy.
type adoption struct {
	token                 Token
	remaining             time.Duration
	at                    instant       // when remaining was true, or before
	asked                 uint64        // see rejections
	own                   bool          // straight from the issuer
	inRedis               bool          // it was there, as a look or a write has found
	checked               time.Duration // ago: the issuer's last word on it; 0 for an answer to us
	checkedAt, redisNow   time.Time     // the same by Redis' clock, if it has it, and at most what that read then
	epoch                 int           // of these: see anchor
	unpublished, replaced bool          // see localCopy
}

// adoption of what is stored, by whom asked with that number.
func (r *record) adoption(asked uint64) adoption {
	return adoption{token: r.token, remaining: r.remaining, at: r.at, asked: asked, inRedis: true, checked: r.checked, checkedAt: r.checkedAt, redisNow: r.now}
}

// issuersWord is the moment the issuer was asked for what it last said about a token.
type issuersWord struct {
	at    instant   // by our own clocks, or before
	redis time.Time // by Redis' clock; zero if that does not know
	epoch int       // of redis: see anchor
}

// word is the last word that a was made of.
func (a adoption) word() issuersWord {
	return issuersWord{a.at.add(-a.checked), a.checkedAt, a.epoch}
}

// isAfter reports whether w is later by more than the tolerance by our clocks, or later at all
// by Redis' clock if both have that of one epoch.
func (w issuersWord) isAfter(other issuersWord, by time.Duration) bool {
	if w.sameClock(other) {
		return w.redis.After(other.redis)
	}
	return w.at.isAfter(other.at, by)
}

func (w issuersWord) sameClock(other issuersWord) bool {
	return w.epoch == other.epoch && !w.redis.IsZero() && !other.redis.IsZero()
}
