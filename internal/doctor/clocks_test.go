package doctor

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestClocks(t *testing.T) {
	t.Parallel()
	at := func(d time.Duration) clock { return clock{true, d} }
	for name, c := range map[string]struct {
		redis, issuer clock
		status, found string
		advice        string
	}{
		"neither":        {clock{}, clock{}, checkSkipped, "unknown: neither redis nor the issuer told the time", ""},
		"both right":     {at(3 * time.Millisecond), at(-999 * time.Millisecond), checkOK, "redis within 1s of ours, the issuer within 1s of ours", ""},
		"30 s - 1 ns":    {at(30*time.Second - 1), clock{}, checkOK, "redis 30s ahead of ours", ""},
		"30 s":           {at(30 * time.Second), clock{}, checkWarn, "redis 30s ahead of ours", "set redis' clock slowly"},
		"redis alone":    {at(-90 * time.Second), at(0), checkWarn, "redis 1m30s behind ours, the issuer within 1s of ours", "set redis' clock slowly"},
		"we alone":       {at(time.Hour), at(time.Hour + time.Second), checkWarn, "redis 1h0m0s ahead of ours, the issuer 1h0m1s ahead of ours", "set this host's clock"},
		"issuer, no one": {clock{}, at(time.Minute), checkWarn, "the issuer 1m0s ahead of ours", "set this host's clock"},
		"issuer alone":   {at(0), at(time.Minute), checkWarn, "redis within 1s of ours, the issuer 1m0s ahead of ours", "nothing to do"},
	} {
		f := clocksCheck(c.redis, c.issuer)
		assert.Equal(t, c.status, f.Status, name)
		assert.Equal(t, c.found, f.Found, name)
		assert.Contains(t, f.Advice, c.advice, name)
	}
}
