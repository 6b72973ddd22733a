package page

import (
	"strings"
	"time"

	"github.com/onetoken-go/onetoken/internal/standing"
)

// headline is the sentence on top, and what comes next. It holds no time, but moments.
type headline struct {
	Tone  standing.Tone // the worst of the sentence and its notes
	Text  string        // whether all is well, or what is not
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
	named := make([]standing.Named, len(v.Credentials))
	for i, c := range v.Credentials {
		named[i] = c.named()
	}
	said := standing.Verdict(named, v.StandsStill)
	h := headline{Tone: said[0].Tone, Text: said[0].Text, Next: nextOf(v)}
	for _, s := range said[1:] {
		h.add(s)
	}
	if v.Redis.Degraded {
		h.add(standing.Sentence{Tone: standing.Warn, Text: "Redis is in trouble."})
	}
	if v.Config.Error != "" {
		h.add(standing.Sentence{Tone: standing.Warn, Text: "The configuration in the file is refused, and the one before is in use."})
	}
	return h
}

func (h *headline) add(s standing.Sentence) {
	h.Notes = append(h.Notes, s.Text)
	h.Tone = max(h.Tone, s.Tone)
}

// nextOf is the soonest retry or refresh.
func nextOf(v View) *next {
	var plans []standing.Plan
	for _, c := range v.Credentials {
		if !c.Disabled {
			plans = append(plans, standing.Plan{Name: c.Name, Retry: c.retry().Sub(v.Now), Refresh: c.Refresh.Sub(v.Now)})
		}
	}
	step, more, ok := standing.Next(plans)
	if !ok {
		return nil
	}
	return &next{step.Name, step.Does, v.Now.Add(step.In), more}
}

// Say is the headline for a screen reader: without what passes by itself.
func (h headline) Say() string {
	return strings.Join(append([]string{h.Text}, h.Notes...), " ")
}
