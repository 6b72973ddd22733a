package standing_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/internal/standing"
)

// The same table is in internal/acceptance/page, for page.js.
func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0 s", 900 * time.Millisecond: "0 s", 2*time.Minute - 1: "119 s", 2 * time.Minute: "2 min", 2*time.Hour - time.Second: "119 min",
		2 * time.Hour: "2 h", 2*time.Hour + time.Minute: "2 h 1 min", 48*time.Hour - time.Second: "47 h 59 min", 48 * time.Hour: "2 days",
	} {
		assert.Equal(t, want, standing.Span(d), d)
	}
}

func TestSome(t *testing.T) {
	assert.Equal(t, "nothing", standing.Some(nil))
	assert.Equal(t, "a, b, c", standing.Some([]string{"a", "b", "c"}))
	assert.Equal(t, "a, b, c and 2 more", standing.Some([]string{"a", "b", "c", "d", "e"}))
}
