package page

import (
	"fmt"
	"time"
)

// bar is a life as lengths in percent of the whole: what is left of it shrinks from the right to the left,
// first past the mark at which the next token is looked for, then through the issuer's window to nothing.
type bar struct {
	End, Life int64 // in milliseconds; End since 1970, so that page.js can go on
	Left      string
	Window    string
	Mark      string // "": the next token is due, or there is none
}

// barOf is false of a credential without a token, or of unknown life.
func barOf(now time.Time, c Credential) (bar, bool) {
	if c.End.IsZero() || c.Life <= 0 {
		return bar{}, false
	}
	b := bar{
		End: c.End.UnixMilli(), Life: c.Life.Milliseconds(),
		Left: percent(c.End.Sub(now), c.Life), Window: percent(c.Window, c.Life),
	}
	if !c.Refresh.IsZero() {
		b.Mark = percent(c.End.Sub(c.Refresh), c.Life)
	}
	return b, true
}

// percent has one decimal, and lies between 0 and 100.
func percent(part, of time.Duration) string {
	share := max(0, min(1, float64(part)/float64(of)))
	return fmt.Sprintf("%.1f%%", 100*share)
}
