package oauth2test

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestParseScope(t *testing.T) {
	for _, c := range []struct {
		scope string
		parts []string
		ok    bool
	}{
		{"", nil, true},
		{"a", []string{"a"}, true},
		{"b a b", []string{"b", "a"}, true},
		{"https://graph.test/.default", []string{"https://graph.test/.default"}, true},
		{" a", nil, false},
		{"a ", nil, false},
		{"a\tb", nil, false},
		{`a\`, nil, false},
		{"ä", nil, false},
	} {
		parts, ok := parseScope(c.scope)
		assert.Equal(t, c.ok, ok, c.scope)
		assert.Equal(t, c.parts, parts, c.scope)
	}
}
