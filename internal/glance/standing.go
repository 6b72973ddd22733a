package glance

import (
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/onetoken-go/onetoken/internal/standing"
)

// named is the credential as it is judged.
func (c Credential) named() standing.Named {
	newer := c.newerProblem()
	return standing.Named{Name: c.Name, Facts: standing.Facts{
		Disabled: c.Disabled, Usable: c.Usable, Answered: c.Answered, Urgent: c.Urgent, Due: c.Due,
		Failing: c.Problem != nil, ByRedis: c.Problem != nil && c.Problem.Redis,
		Changing: c.Newer != nil, NewerFails: newer != nil,
		NeedsPerson: c.Problem != nil && c.Problem.NeedsPerson || newer != nil && newer.NeedsPerson,
	}}
}

func standingOf(c Credential) standing.Standing { return standing.Of(c.named().Facts) }

func worstFirst(all []Credential) []Credential { return standing.WorstFirst(all, Credential.named) }

// tone of a text: that of what it is about, or plain.
type tone = standing.Tone

const plain tone = -1

var colours = [...]text.Color{standing.Good: text.FgGreen, standing.Info: text.FgCyan, standing.Warn: text.FgYellow, standing.Bad: text.FgRed, standing.Off: text.Faint}
