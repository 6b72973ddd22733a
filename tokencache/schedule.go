package tokencache

import "time"

// Schedule is what this process means to do about the token that it has: see [Source.Schedule].
type Schedule struct {
	// Token is the copy at hand.
	Token Token
	// Remaining life of it.
	Remaining time.Duration
	// Life is what the issuer gave it; Remaining was that once.
	Life time.Duration
	// Refresh is how long from now this process looks for the next token; another may be first. 0: that
	// is due, or under way, or held back after a failure.
	Refresh time.Duration
	// Window is how long before its end the token can be replaced.
	Window time.Duration
	// Margin is the last part of its life, in which nobody hands it out.
	Margin time.Duration
}

// Schedule returns what is planned for the token that Peek would return, or false: for those who
// hand the token on, and for people. No I/O, no waiting, and no fill is started.
func (s *Source) Schedule() (Schedule, bool) {
	c := s.state.usable()
	if c == nil {
		return Schedule{}, false
	}
	remaining := c.remainingAt(now())
	return Schedule{
		Token:     c.token,
		Remaining: remaining,
		Life:      c.token.life(),
		Refresh:   max(0, remaining-c.window.refresh),
		Window:    span(s.store.of.Window(), c.token.life()),
		Margin:    c.window.dead,
	}, true
}
