package page

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
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
	troubled := many()
	troubled.Redis.Degraded, troubled.Config.Error = true, "line 1"
	for edge, c := range map[string]struct {
		of    View
		tone  string
		text  string
		notes []string
	}{
		"none":                     {View{Now: now}, "info", "There is no credential to keep.", nil},
		"one":                      {View{Now: now, Credentials: []Credential{good("a")}}, "ok", "The one credential is well.", nil},
		"one that is refused":      {View{Now: now, Credentials: []Credential{good("a", with(refused))}}, "bad", "The one credential needs you: a.", nil},
		"all":                      {many(), "ok", "All 3 credentials are well.", nil},
		"one is disabled":          {many(good("off", off)), "ok", "All 3 credentials are well.", nil},
		"one is begun":             {many(good("new", unborn)), "info", "1 of 4 credentials waits for a token.", nil},
		"one is retried":           {many(good("busy", with(busy))), "warn", "1 of 4 credentials is being retried, and its token still serves: busy.", nil},
		"one has none":             {many(good("x", none, with(busy))), "bad", "1 of 4 credentials has no token: x.", nil},
		"one is refused":           {many(good("x", with(refused)), good("y", with(busy))), "bad", "1 of 5 credentials needs you: x.", []string{"Retried without you: y."}},
		"one is refused, has none": {many(good("x", none, with(refused))), "bad", "1 of 4 credentials needs you: x.", []string{"Without a token: x."}},
		"changed in vain":          {many(good("x", withNewer(refused))), "bad", "1 of 4 credentials needs you: x.", nil},
		"redis and the file":       {troubled, "warn", "All 3 credentials are well.", []string{"Redis is in trouble.", "The configuration in the file is refused, and the one before is in use."}},
	} {
		h := headlineOf(c.of)
		assert.Equal(t, c.tone, h.Tone, edge)
		assert.Equal(t, c.text, h.Text, edge)
		assert.Equal(t, c.notes, h.Notes, edge)
	}
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
