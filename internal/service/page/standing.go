package page

import (
	"cmp"
	"slices"
	"time"
)

// standing is how a credential does, the worst first.
type standing int

const (
	noToken  standing = iota // whoever asks for a token gets none
	needsYou                 // a token serves, and no other comes until a person has acted
	retrying                 // a token serves, and the issuer is asked again by itself
	awaited                  // there is no token yet, and the issuer has not refused one
	changing                 // a changed credential waits for its first token, while the one before serves
	renewing                 // the token's window is open, and another is being got
	well
	disabled
)

// standings are what there is to say of each: a word for the page's filter and style, and one for people.
var standings = [...]struct{ key, label, tone string }{
	noToken:  {"no-token", "No token", "bad"},
	needsYou: {"needs-you", "Needs you", "bad"},
	retrying: {"retrying", "Retrying", "warn"},
	awaited:  {"awaited", "No token yet", "info"},
	changing: {"changing", "Changing", "info"},
	renewing: {"renewing", "Refreshing", "info"},
	well:     {"well", "Well", "ok"},
	disabled: {"disabled", "Disabled", "off"},
}

func (s standing) Key() string   { return standings[s].key }
func (s standing) Label() string { return standings[s].label }
func (s standing) Tone() string  { return standings[s].tone }

func standingOf(c Credential) standing {
	switch {
	case c.Disabled:
		return disabled
	case !c.Usable && c.Problem == nil: // it has just begun, or a token was just rejected
		return awaited
	case !c.Usable:
		return noToken
	case c.needsPerson():
		return needsYou
	case c.Problem != nil && !c.Problem.Redis, c.Newer != nil && c.Newer.Problem != nil:
		return retrying
	case c.Newer != nil:
		return changing
	case c.Refresh.IsZero():
		return renewing
	}
	return well
}

// needsPerson reports whether the credential, as it serves or as it is in the file, stays without a newer token
// until somebody acts.
func (c Credential) needsPerson() bool {
	return c.Problem != nil && c.Problem.NeedsPerson || c.Newer != nil && c.Newer.Problem != nil && c.Newer.Problem.NeedsPerson
}

// retry is when the issuer is asked again after a failure; zero: not known, or there was none.
func (c Credential) retry() time.Time {
	if c.Problem != nil {
		return c.Problem.Retry
	}
	return time.Time{}
}

// worstFirst are the credentials by how they do, and by name among those that do alike: what is well does not
// move about.
func worstFirst(all []Credential) []Credential {
	return slices.SortedFunc(slices.Values(all), func(a, b Credential) int {
		return cmp.Or(cmp.Compare(standingOf(a), standingOf(b)), cmp.Compare(a.Name, b.Name))
	})
}

// group is what the filter can be set to.
type group struct {
	Key, Label string
	rare       bool // it is offered only while there is one
	holds      func(standing) bool
}

var groups = []group{
	{"", "All", false, func(standing) bool { return true }},
	{"trouble", "In trouble", false, func(s standing) bool { return s <= retrying }},
	{"moving", "On the way", true, func(s standing) bool { return s > retrying && s < well }},
	{"well", "Well", false, func(s standing) bool { return s == well }},
	{"disabled", "Disabled", true, func(s standing) bool { return s == disabled }},
}

// groupOf is the narrowest that holds it.
func groupOf(s standing) string {
	for _, g := range groups[1:] {
		if g.holds(s) {
			return g.Key
		}
	}
	return ""
}
