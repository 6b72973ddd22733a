package standing_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/internal/standing"
)

func TestNext(t *testing.T) {
	const s = time.Second
	for edge, c := range map[string]struct {
		of   []standing.Plan
		want standing.Step
		more int
		ok   bool
	}{
		"none":                     {nil, standing.Step{}, 0, false},
		"a refresh":                {[]standing.Plan{{"b", 0, 90 * s}, {"a", 0, 30 * s}}, standing.Step{Name: "a", Does: "refreshes", In: 30 * s}, 0, true},
		"two within a minute":      {[]standing.Plan{{"a", 0, 30 * s}, {"b", 0, 90*s - 1}}, standing.Step{Name: "a", Does: "refreshes", In: 30 * s}, 1, true},
		"two at once":              {[]standing.Plan{{"b", 0, 30 * s}, {"a", 0, 30 * s}}, standing.Step{Name: "b", Does: "refreshes", In: 30 * s}, 1, true},
		"a retry before a refresh": {[]standing.Plan{{"a", 10 * s, 5 * s}}, standing.Step{Name: "a", Does: "is tried again", In: 10 * s}, 0, true},
		"a retry that is due":      {[]standing.Plan{{"a", -s, 0}}, standing.Step{}, 0, false},
		"that, and a refresh":      {[]standing.Plan{{"a", -s, 5 * s}}, standing.Step{Name: "a", Does: "refreshes", In: 5 * s}, 0, true},
		"a refresh that is due":    {[]standing.Plan{{"a", 0, 0}}, standing.Step{}, 0, false},
	} {
		next, more, ok := standing.Next(c.of)
		assert.Equal(t, c.want, next, edge)
		assert.Equal(t, c.more, more, edge)
		assert.Equal(t, c.ok, ok, edge)
	}
}
