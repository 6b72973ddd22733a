package page

import (
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/onetoken-go/onetoken/internal/standing"
)

var templates = template.Must(template.New("page.html").Funcs(template.FuncMap{
	"until": until, "ago": ago, "seen": seen, "span": standing.Span, "thousands": thousands, "counted": counted, "bar": barOfCredential,
	"scene": func(now time.Time, of any) scene { return scene{now, of} },
}).Parse(string(asset("page.html"))))

// scene is what a template is given: what is to be shown, and the moment, from which it tells times.
type scene struct {
	Now time.Time
	Of  any
}

// render returns one of page.html's templates, filled in.
func render(name string, now time.Time, of any) (string, error) {
	var out strings.Builder
	err := draw(&out, name, now, of)
	return out.String(), err
}

func draw(out io.Writer, name string, now time.Time, of any) error {
	return templates.ExecuteTemplate(out, name, scene{now, of})
}

// row is a credential as its line on the page has it.
type row struct {
	Credential
	Standing standing.Standing
	Wrong    string // if no problem says that; "": nothing is
	Todo     string // about it
	Group    string
	First    []Client // three of those who use it
	Rest     []Client
	Hidden   bool // by the filter that the page was asked for with
}

const clientsShown = 3

func rowOf(c Credential) row {
	s := standingOf(c)
	r := row{Credential: c, Standing: s, Group: groupOf(s)}
	if c.Problem == nil {
		r.Wrong, r.Todo = s.Unexplained()
	}
	r.First, r.Rest = c.Clients, nil
	if len(c.Clients) > clientsShown+1 { // "1 more" takes as much room as that one
		r.First, r.Rest = c.Clients[:clientsShown], c.Clients[clientsShown:]
	}
	return r
}

func barOfCredential(now time.Time, c Credential) *bar {
	if b, ok := barOf(now, c); ok {
		return &b
	}
	return nil
}

// facts are what is told of the whole beside its credentials.
type facts struct {
	Redis  Redis
	Config Config
	Doors  []Door
}

// chronicle is what happened last.
type chronicle struct {
	Incidents []Incident
}

// incidentsShown bounds what is drawn, and sent at each change.
const incidentsShown = 60

// choice is one setting of the filter.
type choice struct {
	Key, Label string
	Count      int
	Chosen     bool
	Rare       bool // it is left out while there is none
}

// choices count how many credentials each would show.
func choices(all []row, chosen string) []choice {
	count := map[string]int{everything.Key: len(all)}
	for _, r := range all {
		count[r.Group]++
	}
	list := make([]choice, 0, 1+len(groups))
	for _, g := range append([]group{everything}, groups[:]...) {
		list = append(list, choice{Key: g.Key, Label: g.Label, Count: count[g.Key], Chosen: g.Key == chosen, Rare: g.rare && g.Key != chosen})
	}
	return list
}
