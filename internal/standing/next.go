package standing

import (
	"cmp"
	"slices"
	"time"
)

// Plan is what happens to a credential by itself.
type Plan struct {
	Name    string
	Retry   time.Duration // until the issuer is asked again after a failure; 0 or less: it may be already, or not known
	Refresh time.Duration // until the next token is looked for; 0 or less: that is due, or not known
}

// Step is the first thing of a Plan.
type Step struct {
	Name string
	Does string
	In   time.Duration
}

// Next is the soonest step, and how many others follow within a minute of it. It is false if nothing is planned:
// what is due already is under way, and not told.
func Next(plans []Plan) (next Step, more int, ok bool) {
	var all []Step
	for _, p := range plans {
		switch {
		case p.Retry > 0:
			all = append(all, Step{p.Name, "is tried again", p.Retry})
		case p.Refresh > 0:
			all = append(all, Step{p.Name, "refreshes", p.Refresh})
		}
	}
	if len(all) == 0 {
		return Step{}, 0, false
	}
	next = slices.MinFunc(all, func(a, b Step) int { return cmp.Compare(a.In, b.In) })
	for _, other := range all {
		if other.In-next.In < time.Minute {
			more++
		}
	}
	return next, more - 1, true // without itself
}
