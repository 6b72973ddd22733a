package chaos

import "time"

// beat of the heartbeat.
const beat = 10 * time.Millisecond

// worthTelling is how late a beat must be to be recorded: a stall of less changes
// nothing here.
const worthTelling = 2 * time.Millisecond

// heartbeat sleeps for a beat, over and over, and tells of those that came late.
func heartbeat(stop <-chan struct{}, now func() time.Time, tell func(from, to time.Time, late time.Duration)) {
	for before := now(); ; {
		select {
		case <-stop:
			return
		case <-time.After(beat):
		}
		after := now()
		if d := late(before, after); d >= worthTelling {
			tell(before, after, d)
		}
		before = after
	}
}

// late is by how much more than a beat time went on, by the clock that moved further.
// A wall clock that steps, back too, is as good as a stall: times are by it.
func late(before, after time.Time) time.Duration {
	wall := time.Duration(after.UnixNano() - before.UnixNano())
	return max(after.Sub(before), wall.Abs()) - beat
}
