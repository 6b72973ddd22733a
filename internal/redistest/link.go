package redistest

import (
	"context"
	"maps"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Link is the network between one client and its Redis: it can be broken in
// many ways, each at any time, and counts what goes through it. A fresh one is
// sound. It is safe for concurrent use.
type Link struct {
	refused func(on bool) // of the Proxy, told after the fact; or nil

	mu     sync.Mutex // guards what follows
	refuse bool
	hole   chan struct{} // not nil while dials hang, closed when they need not
	silent bool
	deaf   bool
	delay  time.Duration
	shape  Shape
	rules  []*rule
	relays []*relay // as they were made, so that a run can be repeated

	counts         map[string]int
	dials          int
	sent, received int64
}

func newLink() *Link {
	return &Link{counts: map[string]int{}}
}

// Refuse makes new connections fail at once. Those that are open stay.
func (l *Link) Refuse(on bool) {
	l.mu.Lock()
	l.refuse = on
	l.mu.Unlock()
	if l.refused != nil {
		l.refused(on)
	}
}

// BlackHole makes dials hang until their ctx ends; lifted, those that hang go
// on. Behind a [Proxy] the kernel accepts what then hangs. Connections that are
// open stay.
func (l *Link) BlackHole(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if on == (l.hole != nil) {
		return
	}
	if on {
		l.hole = make(chan struct{})
		return
	}
	close(l.hole)
	l.hole = nil
}

// Silence makes every connection, open or new, swallow what is sent and bring
// no reply. Lifting it cuts the connections that were silent, as the server's
// reset would that does not know them any more; see Mute for those that nobody
// resets.
func (l *Link) Silence(on bool) {
	l.mu.Lock()
	l.silent = on
	l.mu.Unlock()
	l.each(func(r *relay) {
		if on {
			r.silent.Store(true)
		} else if r.silent.Load() {
			r.close()
		}
	})
}

// Mute silences the connections that are open for good, as a firewall that has
// forgotten them does. New ones are sound.
func (l *Link) Mute() { l.each(func(r *relay) { r.silent.Store(true) }) }

// LoseMessages makes subscriptions half-open: (un)subscribing is confirmed, but
// no message or PONG arrives on a connection that has subscribed. Commands on
// other connections are sound.
func (l *Link) LoseMessages(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deaf = on
}

// Delay holds back everything the server sends by d from now on; 0 ends it. A
// dial is not delayed, but its HELLO is.
func (l *Link) Delay(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.delay = d
}

// Cut closes the connections that are open. New ones are sound.
func (l *Link) Cut() { l.each((*relay).close) }

// Down is Refuse and Cut: the server's process is gone.
func (l *Link) Down() {
	l.Refuse(true)
	l.Cut()
}

// Heal ends every fault but the muteness of connections that are mute.
func (l *Link) Heal() {
	l.Refuse(false)
	l.BlackHole(false)
	l.mu.Lock()
	silent := l.silent
	l.deaf, l.delay, l.rules = false, 0, nil
	l.mu.Unlock()
	if silent {
		l.Silence(false)
	}
}

// Counts returns a copy of the counts, by name.
func (l *Link) Counts() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.counts)
}

// ResetCounts starts commands, dials and bytes at 0.
func (l *Link) ResetCounts() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.counts)
	l.dials, l.sent, l.received = 0, 0, 0
}

// Dials returns how often the client has asked for a connection.
func (l *Link) Dials() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dials
}

// Open returns how many connections are open.
func (l *Link) Open() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.relays)
}

// Bytes returns how much the client and the server have sent.
func (l *Link) Bytes() (sent, received int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sent, l.received
}

// each calls f for every open connection, without the lock: closing takes it.
func (l *Link) each(f func(*relay)) {
	l.mu.Lock()
	open := slices.Clone(l.relays)
	l.mu.Unlock()
	for _, r := range open {
		f(r)
		l.apart(1)
	}
}

// admit waits until a new connection may be made, or says why it may not. Like a
// net.Dialer it does not even try once ctx is over.
func (l *Link) admit(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return dialError(err)
	}
	deadline, bounded := ctx.Deadline()
	if bounded && !time.Now().Before(deadline) { // though its timer has not fired yet
		return dialError(context.DeadlineExceeded)
	}
	l.mu.Lock()
	l.dials++
	number := l.dials % 100
	l.mu.Unlock()
	if bounded { // of two that dial at one moment either may come first
		number = int(deadline.UnixNano() % 997)
	}
	if place, ok := ctx.Value(placeKey{}).(int); ok {
		l.apart(place)
	}
	for {
		hole, err := l.gate()
		if hole == nil {
			return err
		}
		select {
		case <-hole: // look again: it may refuse now
			l.apart(number)
		case <-ctx.Done():
			return dialError(ctx.Err())
		}
	}
}

type placeKey struct{}

// withPlace tells dials of one moment apart by how patient whoever dials is: the pool of a client
// as long as its dial time-out, and comes first; others have limits of their own.
func withPlace(ctx context.Context, timeout time.Duration) context.Context {
	deadline, bounded := ctx.Deadline()
	if !bounded {
		return ctx
	}
	other := (time.Until(deadline) - timeout).Abs()
	if other == 0 {
		return ctx
	}
	return context.WithValue(ctx, placeKey{}, 1+int(other%997))
}

// gate returns the hole a dial hangs in, or else whether it is refused.
func (l *Link) gate() (hole <-chan struct{}, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refuse {
		return nil, dialError(os.NewSyscallError("connect", syscall.ECONNREFUSED))
	}
	return l.hole, nil
}

// dialError is what a dial of TCP would return.
func dialError(err error) error {
	return &net.OpError{Op: "dial", Net: "tcp", Addr: address, Err: err}
}

// join connects the two ends through the link until either closes.
func (l *Link) join(client, server net.Conn) *relay {
	r := newRelay(l, client, server)
	l.mu.Lock()
	l.relays = append(l.relays, r)
	r.silent.Store(l.silent)
	l.mu.Unlock()
	r.start()
	return r
}

func (l *Link) leave(r *relay) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.relays = slices.DeleteFunc(l.relays, func(other *relay) bool { return other == r })
}
