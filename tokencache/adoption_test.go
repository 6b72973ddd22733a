package tokencache

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// F22, F57: Redis' clock orders two words of the issuer's if both were dated in one epoch; else our
// own clocks do, and only if they are further apart than a question may take.
func TestF57WordsOfTwoEpochs(t *testing.T) {
	at, redis := now(), time.UnixMilli(1_700_000_000_000)
	word := issuersWord{at: at, redis: redis, epoch: 1}
	for edge, test := range map[string]struct {
		other issuersWord
		after bool
	}{
		"1 ms later by Redis, 3 s later by us":              {issuersWord{at.add(3 * time.Second), redis.Add(time.Millisecond), 1}, true},
		"1 ms later by Redis, 3 s earlier by us":            {issuersWord{at.add(-3 * time.Second), redis.Add(time.Millisecond), 1}, true},
		"at the same moment of Redis'":                      {issuersWord{at.add(3 * time.Second), redis, 1}, false},
		"an hour earlier by another clock, 3 s later by us": {issuersWord{at.add(3 * time.Second), redis.Add(-time.Hour), 2}, true},
		"an hour later by another clock, 3 s earlier by us": {issuersWord{at.add(-3 * time.Second), redis.Add(time.Hour), 2}, false},
		"an hour later by another clock, 1 s later by us":   {issuersWord{at.add(time.Second), redis.Add(time.Hour), 2}, false},
		"undated, 3 s later by us":                          {issuersWord{at.add(3 * time.Second), time.Time{}, 1}, true},
		"undated, 1 s later by us":                          {issuersWord{at.add(time.Second), time.Time{}, 1}, false},
	} {
		assert.Equal(t, test.after, test.other.isAfter(word, sameEnd), edge)
	}
}
