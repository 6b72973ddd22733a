package glance

import (
	"fmt"
	"strings"
)

// News is equal for two boards of which only the time has changed: who reads a pipe has seen the second already.
func (b Board) News() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%q %q %v %v %q %q %v\n", b.Version, b.Stale, b.StandsStill, b.Redis.Degraded, b.Redis.Trouble, b.Config.Error, b.Config.LoadedAt.UnixNano())
	for _, c := range worstFirst(b.Credentials) {
		fmt.Fprintf(&s, "%q %d %v %d", c.Name, standingOf(c), c.FetchedAt.UnixNano(), c.Life)
		for _, p := range []*Problem{c.Problem, c.newerProblem()} {
			if p != nil {
				fmt.Fprintf(&s, " %q", p.Text)
			}
		}
		s.WriteByte('\n')
	}
	return s.String()
}

func (c Credential) newerProblem() *Problem {
	if c.Newer == nil {
		return nil
	}
	return c.Newer.Problem
}
