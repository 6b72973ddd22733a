package glance

import (
	"fmt"

	"github.com/onetoken-go/onetoken/internal/standing"
)

// headline is what a person reads first: the sentences about the credentials, the worst first.
func (b Board) headline() []standing.Sentence {
	named := make([]standing.Named, len(b.Credentials))
	for i, c := range b.Credentials {
		named[i] = c.named()
	}
	return standing.Verdict(named, b.StandsStill)
}

// next is the soonest retry or refresh, and how many follow within a minute; "" if nothing is planned.
func (b Board) next() string {
	var plans []standing.Plan
	for _, c := range b.Credentials {
		if !c.Disabled {
			plans = append(plans, c.plan())
		}
	}
	step, more, ok := standing.Next(plans)
	if !ok {
		return ""
	}
	said := "Next: " + step.Name + " " + step.Does + " in " + standing.Span(step.In)
	if more > 0 {
		said += fmt.Sprintf(", and %d more within a minute", more)
	}
	return said + "."
}

func (c Credential) plan() standing.Plan {
	p := standing.Plan{Name: c.Name, Refresh: c.Refresh}
	if c.Problem != nil {
		p.Retry = c.Problem.Retry
	}
	return p
}
