package page

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/onetoken-go/onetoken/internal/standing"
)

// snapshot is a View cut into the fragments of the page, each with the number of the look that it has changed
// at. But for what was made of it, it is immutable.
type snapshot struct {
	look      uint64
	taken     time.Time
	view      View
	headline  headline
	rows      []row // the worst first
	fragments []fragment
	order     uint64 // the look at which the rows' order has changed

	mu   sync.Mutex        // guards told
	told map[uint64][]byte // updates by the look that they are since, as many browsers know the same

	drawing sync.Mutex // guards whole; held while that is drawn
	whole   []byte     // the page without a filter, as many ask for the same
}

// fragment is a part of the page that is put in place as a whole. Its id is that of the element.
type fragment struct {
	id, template string
	of           any
	changed      uint64
}

const rowPrefix = "c-"

// after is a new snapshot, in which what has not changed is as old as in the one before.
func (before *snapshot) after(v View) *snapshot {
	v = settled(v, before.view)
	s := &snapshot{look: before.look + 1, view: v, headline: headlineOf(v), order: before.order}
	s.add("headline", "headline", s.headline)
	s.add("facts", "facts", facts{v.Redis, v.Config, v.Doors})
	s.add("timeline", "timeline", chronicle{v.Incidents[:min(len(v.Incidents), incidentsShown)]})
	for _, c := range worstFirst(v.Credentials) {
		r := rowOf(c)
		s.rows = append(s.rows, r)
		s.add(rowPrefix+c.Name, "row", r)
	}
	s.compare(before)
	return s
}

func (s *snapshot) add(id, template string, of any) {
	s.fragments = append(s.fragments, fragment{id, template, of, s.look})
}

// compare makes what is as before as old as before.
func (s *snapshot) compare(before *snapshot) {
	old := make(map[string]fragment, len(before.fragments))
	for _, f := range before.fragments {
		old[f.id] = f
	}
	same := len(s.fragments) == len(before.fragments)
	for i := range s.fragments {
		f := &s.fragments[i]
		if was, ok := old[f.id]; ok && reflect.DeepEqual(was.of, f.of) {
			f.changed = was.changed
		}
		same = same && before.fragments[i].id == f.id
	}
	if !same {
		s.order = s.look
	}
}

// flutter is by how much a moment may differ that was worked out from what is left until then: it is the same.
const flutter = 1500 * time.Millisecond

// settled is v without changes that nobody wants to see: moments that flutter, and last uses to the second.
func settled(v, before View) View {
	old := make(map[string]Credential, len(before.Credentials))
	for _, c := range before.Credentials {
		old[c.Name] = c
	}
	all := make([]Credential, len(v.Credentials))
	for i, c := range v.Credentials {
		was := old[c.Name]
		c.End, c.Refresh = steady(c.End, was.End), steady(c.Refresh, was.Refresh)
		c.Problem = c.Problem.settled(was.Problem)
		if c.Newer != nil {
			c.Newer = &Newer{c.Newer.Since, c.Newer.Problem.settled(was.newerProblem())}
		}
		clients := make([]Client, len(c.Clients))
		for j, client := range c.Clients {
			client.Seen = client.Seen.Truncate(time.Minute)
			clients[j] = client
		}
		c.Clients = clients
		all[i] = c
	}
	v.Credentials = all
	return v
}

func (p *Problem) settled(before *Problem) *Problem {
	if p == nil || before == nil {
		return p
	}
	same := *p
	same.Retry = steady(p.Retry, before.Retry)
	return &same
}

func steady(at, before time.Time) time.Time {
	if !at.IsZero() && at.Sub(before).Abs() < flutter {
		return before
	}
	return at
}

// update is what a browser is told: what has changed since the look that it knows.
type update struct {
	Look  string            `json:"look"`
	Now   int64             `json:"now"` // in milliseconds since 1970, so that a wrong clock over there does no harm
	Title string            `json:"title"`
	Say   string            `json:"say"`
	Tone  string            `json:"tone"`
	Count map[string]int    `json:"count"`           // of the filter's choices
	Order []string          `json:"order,omitempty"` // of the rows' ids, all of them; none: as before
	HTML  map[string]string `json:"html"`            // by id
}

// since returns the update from a look, as JSON; 0 is everything.
func (s *snapshot) since(look uint64, name string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if text, ok := s.told[look]; ok {
		return text, nil
	}
	text, err := s.tell(look, name)
	if err == nil {
		if s.told == nil {
			s.told = map[uint64][]byte{}
		}
		s.told[look] = text
	}
	return text, err
}

func (s *snapshot) tell(look uint64, name string) ([]byte, error) {
	u := update{
		Look: name, Now: s.view.Now.UnixMilli(), Title: s.title(), Say: s.headline.Say(), Tone: s.headline.Tone.String(),
		Count: map[string]int{}, HTML: map[string]string{},
	}
	for _, c := range choices(s.rows, "") {
		u.Count[c.Key] = c.Count
	}
	for _, f := range s.fragments {
		if s.order > look && strings.HasPrefix(f.id, rowPrefix) {
			u.Order = append(u.Order, f.id)
		}
		if f.changed <= look {
			continue
		}
		html, err := render(f.template, s.view.Now, f.of)
		if err != nil {
			return nil, err
		}
		u.HTML[f.id] = html
	}
	return json.Marshal(u)
}

// title is that of the browser's tab: it tells of trouble also where the page is not in front.
func (s *snapshot) title() string {
	bad := 0
	for _, r := range s.rows {
		if r.Standing.Tone() == standing.Bad {
			bad++
		}
	}
	switch {
	case bad > 0:
		return fmt.Sprintf("(%d) in trouble · onetoken", bad)
	case s.headline.Tone >= standing.Warn:
		return "(!) onetoken"
	}
	return "onetoken"
}
