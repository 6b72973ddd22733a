package chaos

import (
	"encoding/json"
	"io"
	"sync"
	"time"
)

// record is one line of what a process tells of itself. One of its parts is set.
type record struct {
	Get   *get          `json:"get,omitempty"`
	Stall *stall        `json:"stall,omitempty"`
	Step  string        `json:"step,omitempty"` // see below
	At    time.Duration `json:"at,omitempty"`
}

// Steps of a process, and events of its Cache.
const (
	stepBorn     = "born"
	stepDirect   = "direct" // call that brought a token
	stepCall     = "call"   // another that did
	stepTakeover = "takeover"
	stepEnded    = "ended"
)

// take adds a record to what is known of a process.
func (p *process) take(r record) {
	switch {
	case r.Get != nil:
		p.Gets = append(p.Gets, *r.Get)
	case r.Stall != nil:
		p.Stalls = append(p.Stalls, *r.Stall)
	}
	switch r.Step {
	case stepBorn:
		p.Born = r.At
	case stepDirect:
		p.Direct = append(p.Direct, r.At)
	case stepCall:
		p.Calls = append(p.Calls, r.At)
	case stepTakeover:
		p.Takeovers = append(p.Takeovers, r.At)
	case stepEnded:
		p.Ended = true
	}
}

// recorder writes a record with one write, so that a kill cannot part it, and nothing
// waits in a buffer of the process.
type recorder struct {
	began time.Time // of the run

	mu  sync.Mutex // guards out
	out io.Writer
}

// at is a moment of the run, by the wall clock.
func (r *recorder) at(t time.Time) time.Duration {
	return time.Duration(t.UnixNano() - r.began.UnixNano())
}

func (r *recorder) get(g get) { r.write(record{Get: &g}) }

func (r *recorder) step(name string) { r.write(record{Step: name, At: r.at(time.Now())}) }

func (r *recorder) stall(from, to time.Time, late time.Duration) {
	r.write(record{Stall: &stall{period{r.at(from), r.at(to)}, late}})
}

func (r *recorder) write(rec record) {
	line, err := json.Marshal(rec)
	if err != nil {
		panic(err) // of numbers and strings
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	_, _ = r.out.Write(append(line, '\n')) // whoever read it is gone, and this process soon
}

const (
	// fast Gets need no line of their own.
	fast = time.Millisecond
	// together is for how long they share one.
	together = 250 * time.Millisecond
)

// streak joins the Gets of one caller that are alike. The zero value is good.
type streak struct{ sum get }

// add returns what is to be written by now: a Get that is different at once, after
// those before it.
func (s *streak) add(g get) (due []get) {
	if g.Token != s.sum.Token || g.Usable == 0 || g.took() >= fast || g.Err != "" {
		due = append(s.flush(), g)
		s.sum.Token = g.Token
		return due
	}
	if s.sum.Count == 0 {
		s.sum.First = g.Start
	}
	s.sum = get{
		First: s.sum.First, Start: g.Start, End: g.End, Count: s.sum.Count + 1,
		Usable: g.Usable, Token: g.Token, Ends: g.Ends, Worst: max(s.sum.Worst, g.took()),
	}
	if s.sum.End-s.sum.First >= together {
		return s.flush()
	}
	return nil
}

// flush returns the Gets that have not been written yet.
func (s *streak) flush() []get {
	sum := s.sum
	s.sum = get{Token: sum.Token}
	if sum.Count == 0 {
		return nil
	}
	return []get{sum}
}
