package tokencache

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestWhatACopySparesForRedis(t *testing.T) {
	const ms, s = time.Millisecond, time.Second
	for edge, test := range map[string]struct {
		timings timings
		rest    time.Duration
		want    time.Duration
	}{
		"nothing is known":                    {timings{}, 60 * s, 30 * s},
		"a Redis that is far away":            {timings{look: 25 * s}, 60 * s, 75 * s},
		"after a failed look, and no call":    {timings{lookFailed: true}, 60 * s, 30 * s},
		"after a failed look, two calls less": {timings{call: 20 * s, lookFailed: true}, 60 * s, 20 * s},
		"with no time for two calls":          {timings{call: 20 * s, look: 100 * ms, lookFailed: true}, 30 * s, 301 * ms},
		"with next to no time":                {timings{call: 20 * s, look: 100 * ms, lookFailed: true}, s, 250 * ms},
	} {
		assert.Equal(t, test.want, test.timings.spare(test.rest), edge)
	}
	var known timings
	at := now()
	known.looked(&view{at: at}, at.add(time.Second))
	known.looked(nil, at.add(time.Minute))
	assert.Equal(t, timings{look: time.Second, lookFailed: true}, known)
	known.looked(&view{at: at}, at.add(time.Minute))
	assert.Equal(t, timings{look: time.Minute}, known)
}
