package glance

import (
	"cmp"
	"slices"

	"github.com/jedib0t/go-pretty/v6/text"
)

// standing is how a credential does, the worst first.
type standing int

const (
	noToken  standing = iota // whoever asks for a token gets none
	needsYou                 // a token serves, and no other comes until a person has acted
	ending                   // a token serves, and ends soon: nobody has brought another
	retrying                 // a token serves, and the issuer is asked again by itself
	awaited                  // there is no token yet, and the issuer has not refused one
	changing                 // a changed credential waits for its first token, while the one before serves
	renewing                 // the token's window is open, and another is being got
	well
	disabled
)

// standings are the word for people, and the colour.
var standings = [...]struct {
	label string
	tone  tone
}{
	noToken:  {"No token", bad},
	needsYou: {"Needs you", bad},
	ending:   {"Ending", bad},
	retrying: {"Retrying", warn},
	awaited:  {"No token yet", info},
	changing: {"Changing", info},
	renewing: {"Refreshing", info},
	well:     {"Well", good},
	disabled: {"Disabled", faint},
}

// tone of a text, from good to bad.
type tone int

const (
	good tone = iota
	info
	warn
	bad
	faint
	plain
)

var colours = [...]text.Color{good: text.FgGreen, info: text.FgCyan, warn: text.FgYellow, bad: text.FgRed, faint: text.Faint}

func standingOf(c Credential) standing {
	switch {
	case c.Disabled:
		return disabled
	case !c.Usable && c.Problem == nil:
		return awaited
	case !c.Usable:
		return noToken
	case c.needsPerson():
		return needsYou
	case c.Urgent:
		return ending
	case c.Problem != nil && !c.Problem.Redis, c.Newer != nil && c.Newer.Problem != nil:
		return retrying
	case c.Newer != nil:
		return changing
	case c.Due:
		return renewing
	}
	return well
}

// needsPerson reports whether the credential, as it serves or as it is in the file, stays without a newer token
// until somebody acts.
func (c Credential) needsPerson() bool {
	return c.Problem != nil && c.Problem.NeedsPerson || c.Newer != nil && c.Newer.Problem != nil && c.Newer.Problem.NeedsPerson
}

// worstFirst are the credentials by how they do, and by name among those that do alike: what is well does not
// move about.
func worstFirst(all []Credential) []Credential {
	return slices.SortedFunc(slices.Values(all), func(a, b Credential) int {
		return cmp.Or(cmp.Compare(standingOf(a), standingOf(b)), cmp.Compare(a.Name, b.Name))
	})
}

// inTrouble reports whether it is worth a person's look.
func (s standing) inTrouble() bool { return s <= retrying }
