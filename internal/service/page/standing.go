package page

import (
	"time"

	"github.com/onetoken-go/onetoken/internal/standing"
)

// named is the credential as it is judged.
func (c Credential) named() standing.Named {
	newer := c.newerProblem()
	return standing.Named{Name: c.Name, Facts: standing.Facts{
		Disabled: c.Disabled, Usable: c.Usable, Answered: c.Answered, Urgent: c.Urgent, Due: c.Refresh.IsZero(),
		Failing: c.Problem != nil, ByRedis: c.Problem != nil && c.Problem.Redis,
		Changing: c.Newer != nil, NewerFails: newer != nil,
		NeedsPerson: c.Problem != nil && c.Problem.NeedsPerson || newer != nil && newer.NeedsPerson,
	}}
}

func standingOf(c Credential) standing.Standing { return standing.Of(c.named().Facts) }

// newerProblem is nil if the credential in the file has none.
func (c Credential) newerProblem() *Problem {
	if c.Newer == nil {
		return nil
	}
	return c.Newer.Problem
}

// retry is when the issuer is asked again after a failure; zero: not known, or there was none.
func (c Credential) retry() time.Time {
	if c.Problem != nil {
		return c.Problem.Retry
	}
	return time.Time{}
}

func worstFirst(all []Credential) []Credential { return standing.WorstFirst(all, Credential.named) }

// group is what the filter can be set to.
type group struct {
	Key, Label string
	rare       bool // it is offered only while there is one
}

// everything is the filter's first choice; the others are by group.
var everything = group{"", "All", false}

var groups = [...]group{
	standing.InTrouble:   {"trouble", "In trouble", false},
	standing.OnTheWay:    {"moving", "On the way", true},
	standing.AllWell:     {"well", "Well", false},
	standing.SwitchedOff: {"disabled", "Disabled", true},
}

// groupAsked is what ?show= asks for: a word that is none of the filter's is no filter, as page.js has it.
func groupAsked(word string) string {
	for _, g := range groups {
		if g.Key == word {
			return word
		}
	}
	return everything.Key
}

func groupOf(s standing.Standing) string { return groups[s.Group()].Key }
