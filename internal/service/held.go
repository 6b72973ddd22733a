package service

import (
	"cmp"
	"time"

	"github.com/onetoken-go/onetoken/tokencache"
)

// held is the token that this process hands out.
type held struct {
	tokencache.Schedule
	has bool // there is one; else the rest is zero
}

// sameLife is by how much what is left of a token may differ between Redis and the copy at hand.
const sameLife = 2 * time.Second

// merged lays the two sources beside each other: what Redis has (stored; zero if it has not answered), and what this
// process holds. The held token takes the place of the stored one if that ends sooner or there is none: what was got
// around Redis is not there until Redis takes it. By whom it was fetched is not known then. All else is Redis'.
func merged(stored tokencache.Status, h held) tokencache.Status {
	st := stored
	st.State = cmp.Or(st.State, tokencache.StateAbsent)
	if !h.has || st.State != tokencache.StateAbsent && st.Remaining > h.Remaining-sameLife {
		return st
	}
	st.State, st.Remaining, st.Life = tokencache.StateFresh, h.Remaining, h.Life
	st.FetchedBy, st.FetchedAt, st.Garbled = "", time.Time{}, ""
	if h.Refresh == 0 {
		st.State = tokencache.StateDue
	}
	return st
}
