package tokencache

import (
	"context"
	"errors"
	"time"
)

// A fill belongs to nobody, and yet its first look may be made by the caller that began
// it: mostly there is a token, and that was all of it. See docs/adr/0006.

// lead runs a new fill for the caller that began it: by a look of its own, if it is back
// from that in time, and in the fill's goroutine as far as there is more to do.
func (f *fill) lead(ctx context.Context) {
	handedOver := false
	defer func() {
		if !handedOver { // it is over, or the client or ctx has panicked
			f.end()
		}
	}()
	if !f.canLead(ctx) {
		handedOver = true
		go f.main()
		return
	}
	l := f.lookFirst(atOnce(context.Background()), f.src.nothingToTell)
	if !f.concludedBy(l) {
		if !errors.Is(l.err, errToTell) && !errors.Is(l.err, errNoSlot) {
			f.first = l
		}
		handedOver = true
		go f.main()
		return
	}
	f.err = nil
	f.src.putBackDone(nil) // Redis knows all there is
	if !f.subscribed {     // not now: the caller waits, and so does a fleet that starts together
		time.AfterFunc(f.src.jitter.upTo(coldSpread), f.src.listen)
	}
}

// errToTell is why a caller does not look: each rejection that Redis has not heard of takes
// commands of its own.
var errToTell = errors.New("tokencache: redis does not know of every rejection")

func (s *Source) nothingToTell(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.shelf.rejected.pending(now())) > 0 {
		return errToTell
	}
	return nil
}

// lookCommands is how many commands a first look takes at the most: two for a script that
// Redis does not know, and one for a lock without a TTL.
const lookCommands = 3

// canLead reports whether a caller is back from the first look before its deadline. It
// will not notice meanwhile that ctx is cancelled, or the Source closed.
func (f *fill) canLead(ctx context.Context) bool {
	if !f.src.cache.redis.punctual || ctx.Err() != nil {
		return false
	}
	if deadline, bounded := ctx.Deadline(); bounded && time.Until(deadline) < lookCommands*f.src.cache.config.RedisTimeout {
		return false
	}
	f.src.mu.Lock()
	defer f.src.mu.Unlock()
	if h := f.src.pacer.hold; h.err != nil && h.rest(now()) > 0 {
		return false // that is sat out first
	}
	return len(f.src.shelf.rejected.pending(now())) == 0
}

// concludedBy reports whether no more is to be done than to hand out what a look has found.
// Then it has left the hold of a fill that ends.
func (f *fill) concludedBy(l *looked) bool {
	if l.err != nil || l.view.claim != nil {
		return false
	}
	c := f.src.usable()
	return c != nil && !c.unpublished && f.satisfied(l.view)
}
