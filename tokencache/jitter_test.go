package tokencache

import (
	"errors"
	"math"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestJitterOutOfBoundsIsAnErrorOfNew(t *testing.T) {
	for _, test := range []struct {
		name string
		draw func() float64
		says string
	}{
		{"NaN", math.NaN, "outside of [0, 1)"},
		{"below 0", func() float64 { return -math.SmallestNonzeroFloat64 }, "outside of [0, 1)"},
		{"1", func() float64 { return 1 }, "outside of [0, 1)"},
		{"infinite", func() float64 { return math.Inf(1) }, "outside of [0, 1)"},
		{"panics", func() float64 { panic(errors.New("secret")) }, "panicked with a *errors.errorString"},
		{"the last one", lastOf(jitterRing, math.NaN()), "outside of [0, 1)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := New(offline(t), Config{Jitter: test.draw, FetchTimeout: -1})
			assert.Nil(t, c)
			require.ErrorContains(t, err, "Jitter ")
			require.ErrorContains(t, err, test.says)
			assert.NotContains(t, err.Error(), "secret")
			assert.ErrorContains(t, err, "FetchTimeout", "with every other complaint")
		})
	}
}

func TestJitterIsDrawnByNewAlone(t *testing.T) {
	var drawn atomic.Int64
	c, err := New(offline(t), Config{Jitter: func() float64 { return float64(drawn.Add(1)) / 2048 }})
	require.NoError(t, err)
	defer func() { assert.NoError(t, c.Close()) }()
	for i := range 3 * jitterRing {
		require.InDelta(t, float64(i%jitterRing+1)/2048, c.jitter.draw(), 0, "in turn, over and over")
	}
	assert.EqualValues(t, jitterRing, drawn.Load())
}

// lastOf draws 0, and that as the last of n.
func lastOf(n int, last float64) func() float64 {
	return func() float64 {
		if n--; n == 0 {
			return last
		}
		return 0
	}
}
