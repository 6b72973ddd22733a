package alerts_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/alerts"
)

func TestUses(t *testing.T) {
	t.Parallel()
	for expr, want := range map[string][]alerts.Use{
		`absent(up)`: {{Metric: "up"}},
		`max by (job, a) (x) == 0 unless on (job) sum by (job) (increase(y{b="1", c!~"}"}[10m])) > 0`: {
			{Metric: "x", Labels: []string{"job", "a"}}, {Metric: "y", Labels: []string{"b", "c", "job"}},
		},
		`60 * sum_over_time((sum by (a) (rate(x[5m])) - max by (b) (y))[1h:1m]) > 1.5`: {
			{Metric: "x", Labels: []string{"a"}}, {Metric: "y", Labels: []string{"b"}},
		},
		`sum by (a) (x unless x offset 10m) > on (a) group_left 0.1 * y`: {
			{Metric: "x", Labels: []string{"a"}}, {Metric: "x", Labels: []string{"a"}}, {Metric: "y"},
		},
	} {
		uses, _, err := alerts.Uses(expr)
		require.NoError(t, err, expr)
		assert.Equal(t, want, uses, expr)
	}
	_, matched, err := alerts.Uses(`a * on (job, x) group_left (y) b`)
	require.NoError(t, err)
	assert.Equal(t, []string{"job", "x", "y"}, matched)
}

func TestUsesOfWhatIsNoExpression(t *testing.T) {
	t.Parallel()
	for _, expr := range []string{`sum by (a`, `x)`, `(x`, `sum by a (x)`, `x{a="1"`, `x[5m`, `sum by (1) (x)`, `sum(x) by (a)`} {
		_, _, err := alerts.Uses(expr)
		assert.Error(t, err, expr)
	}
}
