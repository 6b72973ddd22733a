// Package pulse notices that a Cache stands still: a process may live and do nothing.
package pulse

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/onetoken-go/onetoken/internal/witness"
	"github.com/onetoken-go/onetoken/tokencache"
)

// The pulse counts beats and not time: a process that was stopped, and its host that slept,
// have missed none.
const (
	beatEvery    = 15 * time.Second
	mostUnheard  = 4  // a minute: what the Cache reports is told at once
	mostUnfilled = 32 // 8 min: a failure holds a fill back for 6 at most, and one takes a minute
)

// Look is at the token that ends first, of all that there should be.
type Look struct {
	Usable    bool          // there is one for each
	Remaining time.Duration // of its life
}

// Pulse notices that the Cache stands still. The zero value has to be told of it: see Watches. All
// methods are safe for concurrent use.
type Pulse struct {
	peek   func() Look
	marker *tokencache.Source // see [witness.Marker]

	mu       sync.Mutex // guards below
	key      string     // of the marker
	asking   bool       // a Get of the marker has not returned
	unheard  int        // beats since the last event
	unfilled int        // beats since a fill ended
	life     time.Duration
}

// Watches is called before the Cache runs. Peek is asked at each StandsStill.
func (p *Pulse) Watches(cache *tokencache.Cache, peek func() Look) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.peek, p.marker = peek, witness.Marker(cache)
	p.key = p.marker.ID()
}

// Observe reports whether the event is the pulse's own, and of no interest to others.
func (p *Pulse) Observe(e tokencache.Event) (own bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unheard = 0
	switch e.Kind {
	case tokencache.EventFill:
		p.unfilled = 0
	case tokencache.EventAdopt:
		p.life = e.Remaining
	}
	return p.key != "" && e.ID == p.key
}

// Beat until ctx ends. It waits for nobody.
func (p *Pulse) Beat(ctx context.Context) {
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			p.beatOnce(ctx)
		}
	}
}

func (p *Pulse) beatOnce(ctx context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unheard++
	p.unfilled++
	if p.asking {
		return
	}
	p.asking = true
	go func() {
		_, _ = p.marker.Get(ctx)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.asking = false
	}()
}

// StandsStill says in what way the Cache does, or nothing.
func (p *Pulse) StandsStill() string {
	seen := p.peek()
	p.mu.Lock()
	defer p.mu.Unlock()
	switch since := time.Duration(p.unfilled) * beatEvery; {
	case p.unheard >= mostUnheard:
		return fmt.Sprintf("the cache has told of nothing for %v: restart this process", time.Duration(p.unheard)*beatEvery)
	case p.unfilled < mostUnfilled:
		return ""
	case !seen.Usable:
		return fmt.Sprintf("there is no token, and no look for one has ended for %v: restart this process", since)
	case seen.Remaining < p.urgent():
		return fmt.Sprintf("the token is about to end, and no look for another has ended for %v: restart this process", since)
	}
	return ""
}

// urgent is the rest of a life before which a fill was due for certain. The caller holds p.mu.
func (p *Pulse) urgent() time.Duration { return min(2*time.Minute, p.life/16) }
