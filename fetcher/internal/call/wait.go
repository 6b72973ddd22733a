package call

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxWait is the longest wait to believe: more is a clock gone wrong, or a
// number in another unit.
const maxWait = time.Hour

// retryAfter returns how long the issuer asks to wait, 0 to maxWait, in whole
// milliseconds: by the first of the headers that says so.
func retryAfter(h http.Header, headers []string, now time.Time) time.Duration {
	// Dates are read by the issuer's clock where it tells the time: this
	// host's may be hours off.
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	for _, name := range headers {
		if wait := parseWait(h.Get(name), now); wait > 0 {
			return wait
		}
	}
	return 0
}

// Numbers from here on are points in time, in s or ms since 1970: as a wait
// they would be 30 years.
const (
	firstEpoch       = 1e9
	firstEpochMillis = 1e11
)

// parseWait reads seconds, with or without a fraction, a point in time as a number, or an HTTP
// date. Anything else, and a moment that has passed, is 0.
func parseWait(s string, now time.Time) time.Duration {
	s = strings.TrimSpace(s)
	if date, err := http.ParseTime(s); err == nil {
		return clampWait(date.Sub(now).Seconds())
	}
	seconds, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0
	}
	unix := float64(now.UnixMilli()) / 1e3
	switch {
	case seconds >= firstEpochMillis:
		seconds = seconds/1e3 - unix
	case seconds >= firstEpoch:
		seconds -= unix
	}
	return clampWait(seconds)
}

// clampWait compares as a float: a Duration would overflow first.
func clampWait(seconds float64) time.Duration {
	switch {
	case math.IsNaN(seconds) || seconds <= 0:
		return 0
	case seconds >= maxWait.Seconds():
		return maxWait
	}
	return time.Duration(math.Ceil(seconds*1e3)) * time.Millisecond
}
