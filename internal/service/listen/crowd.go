package listen

import "time"

// crowd counts what happens while as many clients as allowed are connected, for one line in the log
// each minute.
type crowd struct {
	sum  report
	told time.Time
}

// report is what happened since the last one, if it is due.
type report struct {
	due             bool
	closed, refused int
}

const reportEvery = time.Minute

// note counts a newcomer, which took the place of another or was refused.
func (c *crowd) note(replaced bool, now time.Time) report {
	if replaced {
		c.sum.closed++
	} else {
		c.sum.refused++
	}
	if !c.told.IsZero() && now.Sub(c.told) < reportEvery {
		return report{}
	}
	due := c.sum
	due.due = true
	*c = crowd{told: now}
	return due
}
