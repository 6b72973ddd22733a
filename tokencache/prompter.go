package tokencache

import (
	"time"

	"golang.org/x/time/rate"
)

// prompter has looks come that events ask for which prove nothing: anybody who may publish can send
// them. So it paces them.
type prompter struct {
	*link

	// state.mu guards below.
	limit  *rate.Limiter // of prompts; nil before the first
	asked  prompt        // by events since the last look that they prompted
	timer  *time.Timer   // of that look; nil if none is on its way
	reread *time.Timer   // of the look of who has a copy
}

// prompt is what an event asks of a process that may be waiting.
type prompt uint8

const (
	lockFree  prompt = 1 << iota // the next fill may come, unless a failure holds it
	tokenNews                    // without a copy the next fill may come
)

const (
	// promptsInARow looks are prompted at once, the next ones promptEvery.
	promptsInARow = 4
	promptEvery   = time.Second
	// longestSpread is the time over which a fleet with copies spreads the looks after one event.
	longestSpread = 5 * time.Second
	// spreadOfOne is what each Source adds to that where all of a process have to look.
	spreadOfOne = 2 * time.Millisecond
)

// prompt does what an event asks for: now, or when the next prompted look may come. That look
// answers what comes before it. The caller holds state.mu.
func (p *prompter) prompt(asked prompt) {
	if p.state.life.broken != nil {
		return
	}
	p.asked |= asked
	if p.timer != nil {
		return
	}
	if wait := p.untilNext(now()); wait > 0 {
		p.timer = time.AfterFunc(wait, p.due)
		return
	}
	p.ring()
}

// untilNext is how long the next prompted look has to wait. It takes that look's turn.
func (p *prompter) untilNext(at instant) time.Duration {
	if p.limit == nil {
		p.limit = rate.NewLimiter(rate.Every(promptEvery), promptsInARow)
	}
	moment := processStart.Add(at.mono)
	return p.limit.ReserveN(moment, 1).DelayFrom(moment)
}

func (p *prompter) due() {
	p.state.mu.Lock()
	defer p.state.mu.Unlock()
	p.timer = nil
	if p.state.life.broken == nil {
		p.ring()
	}
}

// ring wakes a fill that sleeps, which looks, and ends the hold if what was asked for allows it. The caller holds
// state.mu.
func (p *prompter) ring() {
	st, asked := p.state, p.asked
	p.asked = 0
	if asked&lockFree != 0 && st.pacer.hold.err == nil {
		st.free()
	}
	if asked&tokenNews != 0 && st.usable() == nil {
		st.pacer.free()
	}
	st.wake()
}

// soon has a look confirm news. A process with a copy draws a moment within the spread, as the whole
// fleet heard the same. That look answers all news before it. News soon after it gets the longest
// spread: anybody may tell of a token that ends in a moment.
func (p *prompter) soon(spread time.Duration) {
	st := p.state
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.life.broken != nil {
		return
	}
	at := now()
	c := st.shelf.usable(at)
	if c == nil || st.round != nil {
		p.prompt(tokenNews)
	}
	if c == nil {
		return
	}
	if onItsWay := st.unread.note(st.shelf.nextNumber(), at); onItsWay {
		return
	}
	if at.since(st.unread.answeredAt) < longestSpread {
		spread = max(spread, longestSpread)
	}
	wait := st.pacer.jitter.upTo(min(spread, c.remainingAt(at)/4))
	if rest := st.pacer.hold.rest(at); rest > 0 {
		wait = min(wait, rest)
	}
	st.pacer.holdFor(wait, nil, c, at)
	st.settle()
	p.rereadIn(st.pacer.hold.wait)
}

// again has another fill come if the one that has just ended has not answered the news:
// Redis was read before, or could not be. The caller holds state.mu.
func (p *prompter) again() {
	st, at := p.state, now()
	if st.life.broken != nil || !st.unread.is() {
		return
	}
	c := st.shelf.usable(at)
	if c == nil { // whoever wants a token looks
		st.unread.drop()
		return
	}
	p.rereadIn(max(st.pacer.jitter.upTo(min(longestSpread, c.remainingAt(at)/4)), st.pacer.restOfTrouble(at)))
}

// rereadIn sets the timer, which is not that of other fills: these may come later, or never.
// The caller holds state.mu.
func (p *prompter) rereadIn(wait time.Duration) {
	stopTimer(p.reread)
	p.reread = time.AfterFunc(wait, p.rereadNow)
}

// rereadNow begins the look, unless one has come since, or a fill runs, whose end sees to it.
func (p *prompter) rereadNow() {
	st := p.state
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.life.broken != nil || st.round != nil || !st.unread.is() {
		return
	}
	if rest := st.pacer.restOfTrouble(now()); rest > 0 {
		p.rereadIn(rest)
		return
	}
	st.starter.begin()
}

// stop ends what is on its way. The caller holds state.mu.
func (p *prompter) stop() {
	stopTimer(p.timer)
	stopTimer(p.reread)
}

// unread is news that only a look can confirm.
type unread struct {
	number     uint64  // see rejections: a later look answers it; 0 for no news
	at         instant // of the last news
	answeredAt instant // when a look has confirmed such news
}

// note takes further news. It reports whether there was some already.
func (u *unread) note(number uint64, at instant) (already bool) {
	already = u.is()
	u.number, u.at = number, at
	return already
}

func (u *unread) is() bool { return u.number != 0 }

// answer notes a look of that number.
func (u *unread) answer(number uint64, at instant) {
	if u.is() && number > u.number {
		u.drop()
		u.answeredAt = at
	}
}

func (u *unread) drop() { u.number = 0 }
