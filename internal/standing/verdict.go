package standing

import (
	"fmt"
	"slices"
)

// Sentence is about credentials.
type Sentence struct {
	Tone Tone
	Text string
}

// Verdict says whether every credential is well, or what is not. The first sentence says the worst; others follow
// for what it leaves out, if a person should know. A service that stands still says that first: what is well does not stay
// so.
func Verdict(all []Named, standsStill bool) []Sentence {
	said := countOf(all).verdict()
	if !standsStill {
		return said
	}
	if said[0].Tone == Good {
		said = said[1:]
	}
	return slices.Insert(said, 0, Sentence{Bad, "The service stands still and refreshes nothing: restart it."})
}

// count is the names by standing.
type count struct {
	total  int // but for the disabled
	of     map[Standing][]string
	person []string // those that need one, whatever their standing
}

func countOf(all []Named) count {
	c := count{of: map[Standing][]string{}}
	for _, one := range WorstFirst(all, func(n Named) Named { return n }) {
		s := Of(one.Facts)
		if s == Disabled {
			continue
		}
		c.total++
		c.of[s] = append(c.of[s], one.Name)
		if one.NeedsPerson {
			c.person = append(c.person, one.Name)
		}
	}
	return c
}

func (c count) verdict() []Sentence {
	said := []Sentence{c.worst()}
	add := func(s Standing, text string) {
		if names := c.of[s]; len(names) > 0 {
			said = append(said, Sentence{s.Tone(), text + Some(names) + "."})
		}
	}
	if len(c.person) > 0 {
		add(NoToken, "Without a token: ")
	}
	if len(c.person)+len(c.of[NoToken]) > 0 {
		add(Ending, "Ends soon, and nobody has brought another: ")
	}
	if len(c.person)+len(c.of[NoToken])+len(c.of[Ending]) > 0 {
		add(Retrying, "Retried without you: ")
	}
	return said
}

func (c count) worst() Sentence {
	switch {
	case c.total == 0:
		return Sentence{Info, "There is no credential to keep."}
	case len(c.person) > 0:
		return c.about(Bad, c.person, "needs you", "need you")
	case len(c.of[NoToken]) > 0:
		return c.about(Bad, c.of[NoToken], "has no token", "have no token")
	case len(c.of[Ending]) > 0:
		return c.about(Bad, c.of[Ending], "ends soon, and nobody has brought another", "end soon, and nobody has brought others")
	case len(c.of[Retrying]) > 0:
		return c.about(Warn, c.of[Retrying], "is being retried, and its token still serves", "are being retried, and their tokens still serve")
	case len(c.of[Awaited]) > 0:
		n := len(c.of[Awaited])
		return Sentence{Info, c.subject(n) + verb(n, " waits", " wait") + " for a token."}
	case c.total == 1:
		return Sentence{Good, "The one credential is well."}
	}
	return Sentence{Good, fmt.Sprintf("All %d credentials are well.", c.total)}
}

func (c count) about(t Tone, names []string, one, many string) Sentence {
	return Sentence{t, c.subject(len(names)) + " " + verb(len(names), one, many) + ": " + Some(names) + "."}
}

func (c count) subject(n int) string {
	if c.total == 1 {
		return "The one credential"
	}
	return fmt.Sprintf("%d of %d credentials", n, c.total)
}

func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
