// Package standing judges how credentials do, and says so in a sentence: for a service's page and for the picture of
// `onetoken status`, which say the same in the same words. It is policy alone, given [Facts]. Reading order:
// standing.go, failure.go (what Redis remembers of one), verdict.go (the sentences on top), next.go (what happens by
// itself), words.go.
package standing

import (
	"cmp"
	"slices"
)

// Standing is how a credential does, the worst first.
type Standing int

// All standings that there are.
const (
	NoToken  Standing = iota // whoever asks for a token gets none
	NeedsYou                 // a token serves, and no other comes until a person has acted
	Ending                   // a token serves, and ends soon: nobody has brought another
	Retrying                 // a token serves, and the issuer is asked again by itself
	Awaited                  // there was no token yet, and the issuer has not refused one
	Changing                 // a changed credential waits for its first token, while the one before serves
	Renewing                 // the token's window is open, and another is being got
	Well
	Disabled
)

var standings = [...]struct {
	label string
	tone  Tone
}{
	NoToken:  {"No token", Bad},
	NeedsYou: {"Needs you", Bad},
	Ending:   {"Ending", Bad},
	Retrying: {"Retrying", Warn},
	Awaited:  {"No token yet", Info},
	Changing: {"Changing", Info},
	Renewing: {"Refreshing", Info},
	Well:     {"Well", Good},
	Disabled: {"Disabled", Off},
}

// Label is the word for people.
func (s Standing) Label() string { return standings[s].label }

// Tone is how bad it is.
func (s Standing) Tone() Tone { return standings[s].tone }

// Tone is how bad something is: a style on the page, a colour in a terminal. A higher one is worse, but for Off.
type Tone int

// All tones that there are.
const (
	Good Tone = iota
	Info
	Warn
	Bad
	Off // it is not judged
)

// String is the page's word for it.
func (t Tone) String() string { return [...]string{"ok", "info", "warn", "bad", "off"}[t] }

// Unexplained is what is wrong with a credential of which no problem is known, and what to do; "": nothing is.
func (s Standing) Unexplained() (wrong, todo string) {
	switch s {
	case NoToken:
		return "there is no token any more, and no answer yet to the call for another", "see that the issuer can be reached, and answers"
	case Ending:
		return "its token ends soon, and nobody has brought another", "see that a refresher runs, and reaches the issuer"
	}
	return "", ""
}

// Facts are what a standing is judged by.
type Facts struct {
	Disabled    bool
	Usable      bool // there is a token that is handed out
	Answered    bool // there was one before, or a refusal
	Failing     bool // the last attempt brought no token
	ByRedis     bool // that failure is Redis', which is told once for all credentials
	NeedsPerson bool // no newer token comes until a person has acted: for the credential that serves, or the one in the file
	Urgent      bool // the token is at the end of its window
	NewerFails  bool // the credential in the file got no token
	Changing    bool // the credential in the file is not in use yet
	Due         bool // the next token is being looked for
}

// Of is the worst that the facts say.
func Of(f Facts) Standing {
	switch {
	case f.Disabled:
		return Disabled
	case !f.Usable && !f.Failing && !f.NeedsPerson && !f.Answered: // it has just begun
		return Awaited
	case !f.Usable:
		return NoToken
	case f.NeedsPerson:
		return NeedsYou
	case f.Urgent:
		return Ending
	case f.Failing && !f.ByRedis, f.NewerFails:
		return Retrying
	case f.Changing:
		return Changing
	case f.Due:
		return Renewing
	}
	return Well
}

// Named is a credential to be judged.
type Named struct {
	Name string
	Facts
}

// WorstFirst sorts by how each does, and by name those that do alike: what is well does not move about. It returns
// a slice of its own.
func WorstFirst[C any](all []C, named func(C) Named) []C {
	return slices.SortedFunc(slices.Values(all), func(a, b C) int {
		x, y := named(a), named(b)
		return cmp.Or(cmp.Compare(Of(x.Facts), Of(y.Facts)), cmp.Compare(x.Name, y.Name))
	})
}

// Group is what credentials can be filtered and counted by: each standing is in one.
type Group int

// All groups that there are, the worst first.
const (
	InTrouble Group = iota // worth a person's look
	OnTheWay               // to a first token, or to the next
	AllWell
	SwitchedOff
)

// Group is that of the standing.
func (s Standing) Group() Group {
	switch {
	case s <= Retrying:
		return InTrouble
	case s < Well:
		return OnTheWay
	case s == Well:
		return AllWell
	}
	return SwitchedOff
}
