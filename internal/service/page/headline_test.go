package page

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/internal/standing"
)

func TestHeadline(t *testing.T) {
	many := func(more ...Credential) View {
		v := View{Now: now}
		for _, name := range []string{"a", "b", "c"} {
			v.Credentials = append(v.Credentials, good(name))
		}
		v.Credentials = append(v.Credentials, more...)
		return v
	}
	still := many()
	still.StandsStill = true
	troubled := many()
	troubled.Redis.Degraded, troubled.Config.Error = true, "line 1"
	for edge, c := range map[string]struct {
		of    View
		tone  standing.Tone
		text  string
		notes []string
	}{
		"none":               {View{Now: now}, standing.Info, "There is no credential to keep.", nil},
		"all":                {many(), standing.Good, "All 3 credentials are well.", nil},
		"one is refused":     {many(good("x", with(refused)), good("y", with(busy))), standing.Bad, "1 of 5 credentials needs you: x.", []string{"Retried without you: y."}},
		"one ends":           {many(good("x", due, urgent)), standing.Bad, "1 of 4 credentials ends soon, and nobody has brought another: x.", nil},
		"it stands still":    {still, standing.Bad, "The service stands still and refreshes nothing: restart it.", nil},
		"redis and the file": {troubled, standing.Warn, "All 3 credentials are well.", []string{"Redis is in trouble.", "The configuration in the file is refused, and the one before is in use."}},
	} {
		h := headlineOf(c.of)
		assert.Equal(t, c.tone, h.Tone, edge)
		assert.Equal(t, c.text, h.Text, edge)
		assert.Equal(t, c.notes, h.Notes, edge)
	}
	troubled.Credentials = append(troubled.Credentials, good("x", none, with(busy)))
	assert.Equal(t, standing.Bad, headlineOf(troubled).Tone, "the worst of all")
}

func TestNext(t *testing.T) {
	later := func(c *Credential) { c.Refresh = now.Add(2 * time.Hour) }
	over := *busy
	over.Retry = now
	for edge, c := range map[string]struct {
		of   []Credential
		want *next
	}{
		"none":                  {nil, nil},
		"a refresh":             {[]Credential{good("b", later), good("a")}, &next{"a", "refreshes", now.Add(31 * time.Minute), 0}},
		"two within a minute":   {[]Credential{good("a"), good("b")}, &next{"a", "refreshes", now.Add(31 * time.Minute), 1}},
		"a retry":               {[]Credential{good("a"), good("b", due, with(busy))}, &next{"b", "is tried again", now.Add(10 * time.Second), 0}},
		"a retry that is due":   {[]Credential{good("b", due, with(&over))}, nil},
		"those that are off":    {[]Credential{good("a", off)}, nil},
		"a refresh that is due": {[]Credential{good("a", due)}, nil},
	} {
		assert.Equal(t, c.want, nextOf(View{Now: now, Credentials: c.of}), edge)
	}
}
