package glance

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// sentence on top: whether every credential is well, or what is not.
type sentence struct {
	tone tone
	text string
}

// headline is what a person reads first. The first sentence is about the credentials.
func (b Board) headline() []sentence {
	of := map[standing][]string{}
	var person []string
	total := 0
	for _, c := range worstFirst(b.Credentials) {
		s := standingOf(c)
		of[s] = append(of[s], c.Name)
		if s == disabled {
			continue
		}
		total++
		if c.needsPerson() {
			person = append(person, c.Name)
		}
	}
	said := []sentence{verdict(total, person, of)}
	add := func(is bool, t tone, text string) {
		if is {
			said = append(said, sentence{t, text})
		}
	}
	told := len(person) > 0 || len(of[noToken]) > 0
	add(len(person) > 0 && len(of[noToken]) > 0, bad, "Without a token: "+some(of[noToken])+".")
	add(told && len(of[ending]) > 0, bad, "Ends soon, and nobody has brought another: "+some(of[ending])+".")
	add((told || len(of[ending]) > 0) && len(of[retrying]) > 0, warn, "Retried without you: "+some(of[retrying])+".")
	return said
}

// verdict is about the credentials alone.
func verdict(total int, person []string, of map[standing][]string) sentence {
	about := func(t tone, names []string, one, many string) sentence {
		return sentence{t, subject(len(names), total) + plural(len(names), one, many) + some(names) + "."}
	}
	switch {
	case total == 0:
		return sentence{info, "There is no credential to keep."}
	case len(person) > 0:
		return about(bad, person, " needs you: ", " need you: ")
	case len(of[noToken]) > 0:
		return about(bad, of[noToken], " has no token: ", " have no token: ")
	case len(of[ending]) > 0:
		return about(bad, of[ending], " ends soon, and nobody has brought another: ", " end soon, and nobody has brought others: ")
	case len(of[retrying]) > 0:
		return about(warn, of[retrying], " is being retried, and its token still serves: ", " are being retried, and their tokens still serve: ")
	case len(of[awaited]) > 0:
		n := len(of[awaited])
		return sentence{info, subject(n, total) + plural(n, " waits", " wait") + " for a token."}
	case total == 1:
		return sentence{good, "The one credential is well."}
	}
	return sentence{good, fmt.Sprintf("All %d credentials are well.", total)}
}

func subject(n, total int) string {
	if total == 1 {
		return "The one credential"
	}
	return fmt.Sprintf("%d of %d credentials", n, total)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// next is the soonest retry or refresh, and how many follow within a minute; "" if nothing is planned. What is due
// already is under way, and not told.
func (b Board) next() string {
	type step struct {
		name, does string
		in         time.Duration
	}
	var all []step
	for _, c := range b.Credentials {
		switch {
		case c.Disabled:
		case c.Problem != nil && c.Problem.Retry > 0:
			all = append(all, step{c.Name, "is tried again", c.Problem.Retry})
		case c.Refresh > 0:
			all = append(all, step{c.Name, "refreshes", c.Refresh})
		}
	}
	if len(all) == 0 {
		return ""
	}
	slices.SortStableFunc(all, func(a, b step) int { return int(a.in/time.Second - b.in/time.Second) })
	soon := slices.IndexFunc(all, func(s step) bool { return s.in-all[0].in >= time.Minute })
	if soon < 0 {
		soon = len(all)
	}
	said := "Next: " + all[0].name + " " + all[0].does + " in " + span(all[0].in)
	if soon > 1 {
		said += fmt.Sprintf(", and %d more within a minute", soon-1)
	}
	return said + "."
}

// some are at most three names, and how many more there are.
func some(names []string) string {
	const most = 3
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// span is a duration for people, never more than there is; the page has the same words.
func span(d time.Duration) string {
	seconds := int64(d / time.Second)
	switch {
	case seconds < 0:
		return "0 s"
	case seconds < 120:
		return fmt.Sprintf("%d s", seconds)
	case seconds < 2*3600:
		return fmt.Sprintf("%d min", seconds/60)
	case seconds < 48*3600:
		if minutes := seconds / 60 % 60; minutes > 0 {
			return fmt.Sprintf("%d h %d min", seconds/3600, minutes)
		}
		return fmt.Sprintf("%d h", seconds/3600)
	}
	return fmt.Sprintf("%d days", seconds/86400)
}
