package alerts

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
)

// Use is one mention of a metric, with the labels that it has to have: those of its matchers, and those by which an
// aggregation around it tells series apart.
type Use struct {
	Metric string
	Labels []string
}

// Uses are the mentions of metrics in an expression of PromQL, in their order, and the labels by which its sides are
// matched. It knows as much of the language as rules need, and returns an error for what it does not understand;
// promtool knows the rest.
func Uses(expr string) (uses []Use, matched []string, err error) {
	r := reader{words: word.FindAllString(expr, -1)}
	for !r.done() && r.err == nil {
		r.step()
	}
	if r.err == nil && len(r.open) > 0 {
		r.err = fmt.Errorf("%d brackets are not closed", len(r.open))
	}
	return r.uses, r.matched, r.err
}

// Named are the metrics that rules name.
func Named(rules []Rule) (metrics []string, err error) {
	for _, r := range rules {
		uses, _, err := Uses(r.Expr)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.Alert, err)
		}
		for _, use := range uses {
			metrics = append(metrics, use.Metric)
		}
	}
	return metrics, nil
}

// word is a string, a name, a number or duration, an operator of two characters, or any other character but a space.
var word = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|[a-zA-Z_:][a-zA-Z0-9_:]*|[0-9][0-9a-z.]*|[!=<>]=|=~|!~|\S`)

var (
	named       = regexp.MustCompile(`^[a-zA-Z_:]`)
	aggregating = []string{"by", "without"}
	matching    = []string{"on", "ignoring", "group_left", "group_right"}
	operators   = []string{"and", "or", "unless", "offset", "bool"}
)

// reader goes through the words of an expression once.
type reader struct {
	words   []string
	open    [][]string // for each open parenthesis the labels that metrics in it need
	next    []string   // those of the one that opens next
	uses    []Use
	matched []string
	err     error
}

func (r *reader) done() bool { return len(r.words) == 0 }

// peek is the next word; "" at the end.
func (r *reader) peek() string {
	if r.done() {
		return ""
	}
	return r.words[0]
}

func (r *reader) take() string {
	w := r.peek()
	if !r.done() {
		r.words = r.words[1:]
	}
	return w
}

func (r *reader) step() {
	switch w := r.take(); {
	case w == "(":
		r.open = append(r.open, r.next)
		r.next = nil
	case w == ")":
		r.close()
	case w == "[":
		r.skipRange()
	case slices.Contains(aggregating, w):
		if r.next = r.list(); r.peek() != "(" {
			r.err = errors.New("what is aggregated has to stand behind the labels")
		}
	case slices.Contains(matching, w):
		if r.peek() == "(" {
			r.matched = append(r.matched, r.list()...)
		}
	case slices.Contains(operators, w) || !named.MatchString(w):
	case r.peek() == "(" || slices.Contains(aggregating, r.peek()): // a function
	default:
		r.metric(w)
	}
}

func (r *reader) close() {
	if len(r.open) == 0 {
		r.err = errors.New("a bracket is closed that was not opened")
		return
	}
	r.open = r.open[:len(r.open)-1]
}

// skipRange passes over the time of a range, or of a subquery.
func (r *reader) skipRange() {
	for w := r.take(); w != "]"; w = r.take() {
		if r.done() {
			r.err = errors.New("a range is not closed")
			return
		}
	}
}

// list reads (a, b).
func (r *reader) list() (names []string) {
	if r.take() != "(" {
		r.err = errors.New("a list of labels does not begin with a bracket")
		return nil
	}
	for w := r.take(); w != ")"; w = r.take() {
		switch {
		case w == ",":
		case named.MatchString(w):
			names = append(names, w)
		default:
			r.err = fmt.Errorf("%q stands in a list of labels", w)
			return nil
		}
	}
	return names
}

// metric takes the matchers that stand behind a name.
func (r *reader) metric(name string) {
	use := Use{Metric: name}
	if r.peek() == "{" {
		r.take()
		for w := r.take(); w != "}"; w = r.take() {
			if r.done() {
				r.err = fmt.Errorf("the matchers of %s are not closed", name)
				return
			}
			if named.MatchString(w) {
				use.Labels = append(use.Labels, w)
			}
		}
	}
	for _, around := range r.open {
		use.Labels = append(use.Labels, around...)
	}
	r.uses = append(r.uses, use)
}
