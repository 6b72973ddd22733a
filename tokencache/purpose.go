package tokencache

import "time"

// purpose is what a fill is for, and what follows from that.
type purpose struct {
	// wanted: somebody waits for it from the beginning.
	wanted bool
	// insists on the issuer's being asked: a copy does not do, what an event brings does not end it,
	// and a failure that holds the fleet is the answer.
	insists bool
}

var (
	fillAhead     = &purpose{}                            // nobody waits: refresh a copy, or have one ready
	fillForCaller = &purpose{wanted: true}                // a Get has no copy
	fillForced    = &purpose{wanted: true, insists: true} // Refresh: ask the issuer now
)

// refresh is what a fill for Refresh found at its first look, by which it tells what has come since.
type refresh struct {
	overriding bool      // it goes past that failure
	noted      bool      // there was a first look: what follows is of it
	before     string    // the fingerprint of the token
	lastWord   time.Time // the issuer's on that, by Redis' clock
	until      time.Time // of the failure; by Redis' clock, too
}

// newRefresh takes the copy for what was there, if the first look finds nothing.
func newRefresh(c *localCopy) *refresh {
	if c == nil {
		return &refresh{}
	}
	return &refresh{before: c.token.Fingerprint()}
}

// note takes note of a look, if it is the first. Nil takes no note.
func (r *refresh) note(v *view) {
	if r == nil || r.noted {
		return
	}
	r.noted = true
	if v.record != nil {
		r.before, r.lastWord = v.record.fingerprint, v.lastWord()
	}
	if v.failure != nil {
		r.until = v.failure.until
	}
}

// isDoneBy reports whether somebody else has asked since.
func (r *refresh) isDoneBy(v *view) bool {
	return v.record != nil && (v.record.fingerprint != r.before || v.lastWord().After(r.lastWord))
}

// mayOverride reports whether a failure is a permanent one that was there before. One that came
// since is the answer: somebody else has passed the one before. Without that, many at once would
// call in turn.
func (r *refresh) mayOverride(known *failure) bool {
	return known.err.Class == ClassPermanent && known.until.Equal(r.until)
}
