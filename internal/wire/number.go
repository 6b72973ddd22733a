package wire

import (
	"crypto/sha1"
	"encoding/hex"
	"strconv"
	"time"
)

// LongestLife is what a record may claim, here and in publish.lua, and what a Credential may
// allow: sums of such lives still fit a time.Duration.
const LongestLife = 10 * 365 * 24 * time.Hour

// Millis writes a duration in whole milliseconds, rounded down.
func Millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// UnixMillis writes a moment of Redis' clock.
func UnixMillis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

// ParseMillis reads a number of milliseconds, 0 or more, that fits a Duration.
func ParseMillis(s string) (time.Duration, bool) {
	ms, err := strconv.ParseUint(s, 10, 63) // digits only, as the scripts have it
	if err != nil || ms > uint64(1<<63-1)/uint64(time.Millisecond) {
		return 0, false
	}
	return time.Duration(ms) * time.Millisecond, true
}

// ExactMillis is ParseMillis for what the additional data vouches for: a text that is not
// what sealing would write, such as one with leading zeros, is no number.
func ExactMillis(s string) (time.Duration, bool) {
	d, ok := ParseMillis(s)
	return d, ok && Millis(d) == s
}

// Sum shows damage, as publish.lua cannot open a seal; it is a SHA-1 because that is what
// Redis' scripts have. It protects against nobody.
func Sum(sealed, fingerprint, life string) string {
	sum := sha1.Sum(WithLengths(sealed, fingerprint, life))
	return hex.EncodeToString(sum[:])
}
