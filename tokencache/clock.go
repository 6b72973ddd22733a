package tokencache

import "time"

// instant is one look at both clocks. A suspended host stops the monotonic one
// and a corrected clock moves the other, so a span is the longer of the two:
// a copy may seem older than it is, never younger.
type instant struct {
	mono time.Duration // since processStart
	wall int64         // Unix nanoseconds
}

var processStart = time.Now()

func now() instant {
	t := time.Now()
	return instant{mono: t.Sub(processStart), wall: t.UnixNano()}
}

// since returns how much time has passed from earlier to i.
func (i instant) since(earlier instant) time.Duration {
	return max(i.mono-earlier.mono, time.Duration(i.wall-earlier.wall))
}

// isAfter reports whether both clocks have moved further than that since other.
func (i instant) isAfter(other instant, by time.Duration) bool {
	return i.mono-other.mono > by && time.Duration(i.wall-other.wall) > by
}

// add moves both clocks.
func (i instant) add(d time.Duration) instant {
	return instant{mono: i.mono + d, wall: i.wall + int64(d)}
}

func (i instant) time() time.Time { return time.Unix(0, i.wall) }
