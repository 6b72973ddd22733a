package page

import (
	"context"
	"crypto/rand"
	"sync"
	"time"
)

const (
	// tick is how often is looked while somebody watches, whatever happens.
	tick = 3 * time.Second
	// rest is between two looks at least, however much happens.
	rest = 500 * time.Millisecond
	// recent is how old a look may be that a request of the page is answered by, however many ask.
	recent = 100 * time.Millisecond
)

// Page serves the page, and tells browsers what changes. All methods are safe for concurrent use; make one
// with [New].
type Page struct {
	see    func(context.Context) View
	run    string        // names this process, and this version of the page
	nudged chan struct{} // holds one
	ended  chan struct{} // closed at the end of Run

	looking sync.Mutex // held by a look, so that one follows the other

	mu      sync.Mutex // guards the rest
	now     *snapshot
	changed chan struct{} // closed when now is replaced, and streams are told
	streams int
	some    chan struct{} // closed while there are streams
	over    bool
}

// New returns a Page of what see returns. It is called for requests of the page, ten times a second at most, and
// while somebody watches: never twice at once. It may take a moment.
func New(see func(context.Context) View) *Page {
	return &Page{
		see: see, run: rand.Text()[:8] + assetsDigest,
		nudged: make(chan struct{}, 1), ended: make(chan struct{}),
		now: &snapshot{}, changed: make(chan struct{}), some: make(chan struct{}),
	}
}

// Nudge says that something may have changed. It waits for nobody, and costs nothing while nobody watches.
func (p *Page) Nudge() {
	select {
	case p.nudged <- struct{}{}:
	default:
	}
}

// look takes a View, and tells all streams what has changed.
func (p *Page) look(ctx context.Context) {
	p.looking.Lock()
	defer p.looking.Unlock()
	now := p.take(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = now
	close(p.changed)
	p.changed = make(chan struct{})
}

// lately is a recent look. It tells no stream: requests that come often do not have each browser told as often.
func (p *Page) lately(ctx context.Context) *snapshot {
	p.looking.Lock()
	defer p.looking.Unlock()
	if last, _ := p.state(); last.look > 0 && time.Since(last.taken) < recent {
		return last
	}
	now := p.take(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = now
	return now
}

// take is called with p.looking held.
func (p *Page) take(ctx context.Context) *snapshot {
	v := p.see(ctx)
	before, _ := p.state()
	now := before.after(v) // it takes a while of 500 credentials
	now.taken = time.Now()
	return now
}

// state is the last look, and a channel that is closed when streams are told of the next.
func (p *Page) state() (*snapshot, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now, p.changed
}

// enter is false if there are too many streams, or Run has ended.
func (p *Page) enter() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over || p.streams == mostStreams {
		return false
	}
	if p.streams++; p.streams == 1 {
		close(p.some)
	}
	return true
}

func (p *Page) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.streams--; p.streams == 0 {
		p.some = make(chan struct{})
	}
}

// watched is closed while there are streams.
func (p *Page) watched() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.some
}

func (p *Page) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
	close(p.ended)
}
