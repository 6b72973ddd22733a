package page

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestMoments(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.FixedZone("", 3600))
	assert.EqualValues(t, `<time data-until datetime="2026-11-30T11:00:05.000Z">5 s</time>`, until(now, now.Add(5*time.Second)))
	assert.EqualValues(t, `<time data-ago datetime="2026-11-30T10:59:55.000Z">5 s</time>`, ago(now, now.Add(-5*time.Second)))
	assert.Contains(t, seen(now, now.Add(-justNow+1)), ">just now<")
	assert.Contains(t, seen(now, now.Add(-justNow)), ">2 min ago<")
}

func TestThousands(t *testing.T) {
	for n, want := range map[uint64]string{0: "0", 999: "999", 1000: "1\u202f000", 1234567: "1\u202f234\u202f567"} {
		assert.Equal(t, want, thousands(n))
	}
	assert.Equal(t, "1 call", counted(1, "call", "calls"))
	assert.Equal(t, "0 calls", counted(0, "call", "calls"))
}
