package tokencache

import (
	"strings"
	"time"
)

// heard is told of every event, and with an empty kind of every (re)subscription.
func (s *Source) heard(kind, about string) {
	fp, ms, _ := strings.Cut(about, " ")
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return
	}
	switch kind {
	case eventRejection:
		s.rejected.add(fp, rejection{number: s.nextNumber(), told: true})
		s.drop(fp)
		s.hold = hold{}
		s.schedule()
	case eventToken:
		left, told := parseMillis(ms)
		known := told && s.holds(fp, left) || !told && s.copy.Load().is(fp) // an older version does not say it
		if !known {
			s.rereadSoon(spreadOf(left, told))
		}
	case eventGap:
		s.rereadSoon(longestSpread)
	case eventFree:
		if s.hold.err == nil {
			s.hold = hold{}
			s.schedule()
		}
	}
	if kind != "" {
		s.lockSeen = ""
	}
	close(s.changed)
	s.changed = make(chan struct{})
	s.settle()
}

// longestSpread is the time over which a fleet with copies reads the same news.
const longestSpread = 5 * time.Second

// spreadOf is shorter for a token that has not so much left.
func spreadOf(left time.Duration, told bool) time.Duration {
	if !told {
		return longestSpread
	}
	return min(longestSpread, max(left, minLife)/4)
}

// sameEnd is how far apart two ends of one token may be: `expire` has whole seconds, and
// an event takes its time.
const sameEnd = 2 * time.Second

// holds reports whether the copy is that token with that much left. The caller holds s.mu.
func (s *Source) holds(fp string, left time.Duration) bool {
	c := s.copy.Load()
	return c.is(fp) && (c.remainingAt(now())-left).Abs() <= sameEnd
}

// rereadSoon answers the news of a token. Who has a copy spreads the read, as the whole
// fleet heard the same. The caller holds s.mu.
func (s *Source) rereadSoon(spread time.Duration) {
	s.hold = hold{}
	if c := s.copy.Load(); c.usableAt(now()) {
		spread = min(spread, c.remainingAt(now())/4)
		s.hold = s.holdOf(time.Duration(s.jitter.draw()*float64(spread)), nil)
		s.wakeIn(s.hold.wait)
	}
}

// drop lets go of the copy if it is the token of that fingerprint. The caller
// holds s.mu.
func (s *Source) drop(fp string) {
	if s.copy.Load().is(fp) {
		s.copy.Store(nil)
		s.schedule()
	}
}

// changes returns what is closed at the next event.
func (s *Source) changes() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}
