package config

import (
	"regexp"
	"strings"
)

// route says where a complaint belongs that begins with the name of a field of a fetcher's config.
type route struct {
	field string
	to    value
	words string // in place of the field; "": the key, which stands before the complaint, is enough
	bound bool   // of a duration, which is quoted, up to a colon
}

// relay words what Validate says of a fetcher's config by the keys of this file. It quotes no texts.
// A key that has a complaint already gets no other one: what stood in its place is not the person's.
func (t *tree) relay(err error, otherwise value, routes []route) {
	for _, complaint := range each(err) {
		text := complaint.Error()
		if to, ok := match(text, routes); ok {
			if !t.told[to.to.path] || to.words != "" {
				t.complain(to.to, to.predicate(text))
			}
			continue
		}
		t.complain(otherwise, text)
	}
}

func match(text string, routes []route) (route, bool) {
	for _, one := range routes {
		if strings.HasPrefix(text, one.field) {
			return one, true
		}
	}
	return route{}, false
}

// maxLife is how a complaint of a life names its upper bound.
var maxLife = regexp.MustCompile(`the MaxLife of \S+`)

// predicate is what follows the path of the key.
func (r route) predicate(text string) string {
	rest := strings.TrimPrefix(text, r.field)
	if !r.bound {
		return r.words + strings.TrimPrefix(strings.TrimPrefix(rest, ":"), " ")
	}
	_, bounds, _ := strings.Cut(rest, ": ")
	return "has to be " + maxLife.ReplaceAllString(strings.TrimPrefix(bounds, "0, or "), "max_life")
}
