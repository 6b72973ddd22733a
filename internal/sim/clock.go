package sim

import (
	"sync"
	"time"
)

// clock is what Redis takes for the time: ours, and what the faults have set it ahead or
// back by.
type clock struct {
	mu    sync.Mutex // guards steps
	steps []step     // in the order that they came; the first is the start
}

// step is a moment since which Redis' clock is that much ahead of ours.
type step struct {
	at    time.Time
	ahead time.Duration
}

func newClock() *clock { return &clock{steps: []step{{at: time.Now()}}} }

// ahead is how far Redis' clock is ahead of ours.
func (c *clock) ahead() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.steps[len(c.steps)-1].ahead
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.steps = append(c.steps, step{time.Now(), c.steps[len(c.steps)-1].ahead + d})
}

// aheads are those since that moment, and the one that was then.
func (c *clock) aheads(since time.Time) (list []time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, s := range c.steps {
		if i+1 == len(c.steps) || c.steps[i+1].at.After(since) {
			list = append(list, s.ahead)
		}
	}
	return list
}

// setBack is how far the clock is behind of where it would be but for steps back since then.
func (c *clock) setBack(since time.Time) (d time.Duration) {
	now := c.ahead()
	for _, ahead := range c.aheads(since) {
		d = max(d, ahead-now)
	}
	return d
}

// lasts is how long ago something may have begun that Redis keeps for d by its own clock, and that
// was not over at that time.
func (c *clock) lasts(d time.Duration, at time.Time) (longer time.Duration) {
	longer = d
	for before := time.Duration(0); before != longer; {
		before, longer = longer, d+c.setBack(at.Add(-longer))
	}
	return longer
}

// moment is when Redis' clock was there: the first time, as a step back has it there twice.
func (c *clock) moment(redis time.Time) time.Time { return c.moments(redis)[0].at }

// lastMoment is the last time by then, and how far ahead of ours it was.
func (c *clock) lastMoment(redis, by time.Time) (last step) {
	for _, s := range c.moments(redis) {
		if last.at.IsZero() || !s.at.After(by) {
			last = s
		}
	}
	return last
}

// moments are all. If a step has left it out, the clock of the end decides.
func (c *clock) moments(redis time.Time) (list []step) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, s := range c.steps {
		at := redis.Add(-s.ahead)
		begun := !at.Before(s.at.Add(-time.Millisecond)) // of which Redis tells whole ones
		ended := i+1 < len(c.steps) && !at.Before(c.steps[i+1].at)
		if begun && !ended {
			list = append(list, step{at, s.ahead})
		}
	}
	if len(list) == 0 {
		last := c.steps[len(c.steps)-1]
		list = append(list, step{redis.Add(-last.ahead), last.ahead})
	}
	return list
}

// stepClock sets Redis' clock ahead, or back.
//
// Nobody is promised right lives then: what is left of all that is in Redis shifts as much.
// The checker allows just that: see stored.drift, and outlasts for events.
func (w *world) stepClock(d time.Duration) {
	for _, a := range w.apps {
		w.check.storedOf(a)
	}
	w.redis.StepClock(d)
	w.clock.add(d)
	w.check.stepped(d)
	for _, a := range w.apps {
		w.check.noteLock(a)
	}
	w.log.add("redis", "has its clock set by %v", d)
	w.tally.add(stepName(d, w.asking.Load() > 0))
}

// stepName is what a step is counted by. One during a call comes between a look and the publish.
func stepName(d time.Duration, call bool) string {
	size, way, when := "little", "ahead", ""
	if d.Abs() >= 2*time.Second { // by which two looks may differ
		size = "far"
	}
	if d < 0 {
		way = "back"
	}
	if call {
		when = " during a call"
	}
	return "clock set " + size + " " + way + when
}

// longestHeld is longer than a failure holds anybody.
const longestHeld = 6 * time.Minute

// stepped has the checker expect what a step shifts. After a step ahead what is stored seems
// to end sooner, and another may replace it. Failures and paces hold as much longer after one
// back.
func (c *checker) stepped(d time.Duration) {
	now, longer := time.Now(), min(max(0, -d), longestHeld)
	c.w.mu.Lock()
	for _, t := range c.w.troubles {
		if t.issuer && t.overlaps(now, now) {
			t.tail += longer
		}
	}
	if d > c.w.s.life-c.w.s.margin()-c.w.s.latency-time.Second { // to Redis an answer on its way then is as old
		c.w.troubles = append(c.w.troubles, &trouble{
			name: "expired by the clock", from: now, to: now.Add(c.w.s.latency + time.Second), replica: everybody, app: all, issuer: true, tail: transientTail + slack,
		})
	}
	c.w.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.records {
		r := &c.records[i]
		r.usableSince = time.Time{}
		if d > 0 && !r.best.IsZero() {
			r.best = r.best.Add(-d)
		}
		if r.token != "" {
			r.drifts(c.w.clock.ahead())
		}
	}
	for i := range c.paced {
		c.paced[i].longer += longer
	}
}
