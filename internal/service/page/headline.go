package page

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// headline is the sentence on top, and what comes next. It holds no time, but moments.
type headline struct {
	Tone  string // ok, info, warn or bad
	Text  string // whether all is well, or what is not
	Notes []string
	Next  *next // nil: nothing is planned
}

// next is the first thing that will happen by itself.
type next struct {
	Name, Does string
	At         time.Time
	More       int // that happen within a minute after it
}

func headlineOf(v View) headline {
	of := map[standing][]string{}
	total, person := 0, []string{}
	for _, c := range worstFirst(v.Credentials) {
		s := standingOf(c)
		of[s] = append(of[s], c.Name)
		if s != disabled {
			total++
		}
		if s != disabled && c.needsPerson() {
			person = append(person, c.Name)
		}
	}
	h := headline{Next: nextOf(v)}
	h.Tone, h.Text = sentence(total, person, of)
	h.add(len(person) > 0 && len(of[noToken]) > 0, "bad", "Without a token: "+some(of[noToken])+".")
	h.add(len(person)+len(of[noToken]) > 0 && len(of[retrying]) > 0, "warn", "Retried without you: "+some(of[retrying])+".")
	h.add(v.Redis.Degraded, "warn", "Redis is in trouble.")
	h.add(v.Config.Error != "", "warn", "The configuration in the file is refused, and the one before is in use.")
	return h
}

// sentence is about the credentials alone.
func sentence(total int, person []string, of map[standing][]string) (tone, text string) {
	switch {
	case total == 0:
		return "info", "There is no credential to keep."
	case len(person) > 0:
		return "bad", subject(len(person), total) + verb(len(person), " needs you: ", " need you: ") + some(person) + "."
	case len(of[noToken]) > 0:
		return "bad", subject(len(of[noToken]), total) + verb(len(of[noToken]), " has no token: ", " have no token: ") + some(of[noToken]) + "."
	case len(of[retrying]) > 0:
		return "warn", subject(len(of[retrying]), total) + verb(len(of[retrying]), " is being retried, and its token still serves: ", " are being retried, and their tokens still serve: ") + some(of[retrying]) + "."
	case len(of[awaited]) > 0:
		return "info", subject(len(of[awaited]), total) + verb(len(of[awaited]), " waits", " wait") + " for a token."
	case total == 1:
		return "ok", "The one credential is well."
	}
	return "ok", fmt.Sprintf("All %d credentials are well.", total)
}

func subject(n, total int) string {
	if total == 1 {
		return "The one credential"
	}
	return fmt.Sprintf("%d of %d credentials", n, total)
}

func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// add adds a note if it is so, with its tone if that is worse.
func (h *headline) add(is bool, tone, text string) {
	if !is {
		return
	}
	h.Notes = append(h.Notes, text)
	order := []string{"ok", "info", "warn", "bad"}
	if slices.Index(order, tone) > slices.Index(order, h.Tone) {
		h.Tone = tone
	}
}

// nextOf is the soonest retry or refresh. What is due already is under way, and not told.
func nextOf(v View) *next {
	var all []next
	for _, c := range v.Credentials {
		if c.Disabled {
			continue
		}
		if at := c.retry(); at.After(v.Now) {
			all = append(all, next{Name: c.Name, Does: "is tried again", At: at})
		} else if c.Refresh.After(v.Now) {
			all = append(all, next{Name: c.Name, Does: "refreshes", At: c.Refresh})
		}
	}
	if len(all) == 0 {
		return nil
	}
	first := slices.MinFunc(all, func(a, b next) int { return a.At.Compare(b.At) })
	for _, other := range all {
		if other.At.Sub(first.At) < time.Minute {
			first.More++
		}
	}
	first.More-- // itself
	return &first
}

// Say is the headline for a screen reader: without what passes by itself.
func (h headline) Say() string {
	var text strings.Builder
	text.WriteString(h.Text)
	for _, note := range h.Notes {
		text.WriteString(" " + note)
	}
	return text.String()
}
