package tokencache

import "time"

// heard is told of every event, and with an empty kind of every (re)subscription.
func (s *Source) heard(kind, fp string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return
	}
	switch kind {
	case eventRejection:
		s.rejected.add(fp, s.nextNumber(), true)
		s.drop(fp)
		s.hold = hold{}
		s.schedule()
	case eventToken:
		if !s.copy.Load().is(fp) {
			s.rereadSoon()
		}
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

// rereadSoon answers the news of another token. Who has a copy spreads the read
// over some seconds: the whole fleet heard the same. The caller holds s.mu.
func (s *Source) rereadSoon() {
	s.hold = hold{}
	if c := s.copy.Load(); c.usableAt(now()) {
		spread := min(5*time.Second, c.remainingAt(now())/4)
		wait := time.Duration(s.cache.jitter.draw() * float64(spread))
		s.hold = hold{from: now(), wait: wait}
		s.wakeIn(wait)
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
