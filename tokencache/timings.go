package tokencache

import "time"

// timings are how long the last steps took: by these a fill with a copy knows how long it may wait
// for Redis.
type timings struct {
	call       time.Duration // the last call of the issuer that gave a token; 0 before
	look       time.Duration // the last look that was answered; 0 before
	lookFailed bool          // the last look, or what Redis was to be told before it, was not answered
}

// looked notes how long a look took; v is nil if it failed.
func (t *timings) looked(v *view, at instant) {
	if t.lookFailed = v == nil; v != nil {
		t.look = at.since(v.at)
	}
}

// spare is how much of a copy's rest may be spent on Redis.
func (t *timings) spare(rest time.Duration) time.Duration {
	if t.lookFailed && t.call > 0 { // a moment in any case, or nobody would notice that Redis is back
		return max(rest-2*t.call, min(3*t.look+time.Millisecond, rest/4))
	}
	return max(rest/2, 3*t.look) // a Redis that is far away is in no trouble, even if the copy ends meanwhile
}
