package sim

import (
	"cmp"
	"slices"
	"time"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

// vain is a call that brought nothing that was needed.
type vain struct {
	feishutest.Call
	replica int
	began   time.Time // at the caller's door

	// The call that had minted the current token, and the last that had brought it: their
	// callers may not have had it, or not have shared it.
	minting, last span
}

// span of a call.
type span struct{ began, answered time.Time }

// payer is a trouble with what is left of the calls in vain that it may cost.
type payer struct {
	*trouble
	end    time.Time
	anys   int         // by whoever asks
	each   int         // and by each replica that it meets
	fromIt map[int]int // by replica: how many of these it has paid
}

// successes checks the first half of I3.
//
// A call in the window of the last token is a rotation and needs no excuse. One that
// brings a token which the issuer has given out before does, and so does one before
// that window, to an issuer that mints at every call. Each is charged to a trouble that
// was there when the call was made, or the one that should have spared it, of its app and
// its replica, and no trouble pays for more than it may cost:
//
//   - crash, close, pause, a lost lock or one that lasts for ever, a spoiled answer:
//     the token was minted for somebody who could not share it; the next asks. 1 each; a pause is
//     also trouble between its replica and Redis.
//   - lost data: whoever is cold asks, and once more if the loss meets what that one
//     had stored: 2. A shortened record is due early and each in turn may find it so.
//     Nobody may look before the token is due, so these pay until there is another.
//   - a rejection of the token that the issuer is going to hand out again: 1, in the same
//     way. Those within a cool-down cost nothing.
//   - trouble between one replica and Redis: that one asks by itself, and holds a
//     copy then, so once; and once more for each rotation meanwhile, and for one that
//     is under way when the trouble ends. What it has got nobody else knows, and may ask.
//   - trouble of all: the same for each replica. It also holds for those that start
//     meanwhile.
func (c *checker) successes() {
	for _, a := range c.w.apps {
		payers := c.payers(a)
		for _, v := range c.vain(a) {
			p := payerOf(payers, v)
			if p == nil {
				c.violatedAt(v.Arrived, "I3", "issuer", "r%d called for %s in vain, and got %s, and nothing explains it", v.replica, a.name, a.label(v.App))
				continue
			}
			c.w.tally.add("in vain, " + p.name)
			c.w.log.addAt(v.Arrived, "issuer", "r%d calls for %s in vain: %s", v.replica, a.name, p.name)
		}
	}
}

// vain returns the calls in vain, by when they arrived.
func (c *checker) vain(a *app) (list []vain) {
	doors := map[time.Time]call{}
	for _, one := range c.w.calls.list() {
		if one.app == a.index && !one.arrived.IsZero() {
			doors[one.arrived] = one
		}
	}
	var minting, last span
	for _, one := range a.issuer.Calls() { // as they were answered
		door := doors[one.Arrived]
		if a.inVain(one, c.w.s.window) {
			list = append(list, vain{Call: one, replica: door.replica, began: door.began, minting: minting, last: last})
		}
		if last = (span{door.began, one.Answered}); one.Minted {
			minting = last
		}
	}
	slices.SortStableFunc(list, func(a, b vain) int { return a.Arrived.Compare(b.Arrived) })
	return list
}

// payers are the troubles of an app, those first that end first.
func (c *checker) payers(a *app) (list []*payer) {
	w := c.w
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, t := range w.troubles {
		if t.app != all && t.app != a.index {
			continue
		}
		p := &payer{trouble: t, end: t.to.Add(t.tail), fromIt: map[int]int{}}
		if t.redis {
			p.each = 1 + c.mintedBetween(a, t.from, p.end)
		}
		if t.redis && t.replica == everybody {
			p.each += t.repeats
		} else {
			p.anys = t.repeats
		}
		if t.rotations > 0 {
			p.anys += t.rotations * c.mintedBetween(a, t.from, p.end)
		}
		list = append(list, p)
	}
	slices.SortStableFunc(list, func(a, b *payer) int { return cmp.Or(a.end.Compare(b.end), a.from.Compare(b.from)) })
	return list
}

func (c *checker) mintedBetween(a *app, from, to time.Time) (n int) {
	for _, p := range a.issuer.Pairs() {
		if !p.Minted.Before(from) && !p.Minted.After(to) {
			n++
		}
	}
	return n
}

// payerOf charges a call to the first that has something left for it, which is the one
// that will be of no use soonest.
func payerOf(payers []*payer, v vain) *payer {
	for _, p := range payers {
		if p.explains(v) && p.pays(v.replica) {
			return p
		}
	}
	return nil
}

func (p *payer) pays(replica int) bool {
	switch {
	case p.each > p.fromIt[replica] && (p.replica == everybody || p.replica == replica):
		p.fromIt[replica]++
	case p.anys > 0:
		p.anys--
	default:
		return false
	}
	return true
}

// explains reports whether the trouble was there at the time of the call, or at that of
// one that had brought the same, which was not shared then; or had Redis lose it since.
func (p *payer) explains(v vain) bool {
	if p.lost || p.kept || p.builds { // the lock, too, which is taken before the call begins
		return p.overlaps(v.minting.began.Add(-locking), v.Answered)
	}
	return p.overlaps(v.began, v.Answered) || p.meets(v.minting) || p.meets(v.last)
}

func (p *payer) meets(s span) bool {
	return !s.began.IsZero() && p.overlaps(s.began, s.answered.Add(sharing))
}

// locking is the time from taking the lock to the call: a look or two.
const locking = time.Second

// sharing is the time that a caller needs to publish what it has got.
const sharing = time.Second
