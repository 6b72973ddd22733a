package tokencache

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// notifier hears the events of all Sources over one connection. Events only
// speed things up: nothing depends on one arriving, because a subscription can
// be dead for hours without anyone noticing.
//
// It uses go-redis' PubSub, but not its way to reconnect, which dials without a
// pause while it holds a mutex. A broken session is closed and, after a wait, a
// new one opened.
type notifier struct {
	rdb     redis.UniversalClient
	timeout time.Duration // of one attempt to connect
	jitter  func() float64
	spawn   func(func()) bool

	mu       sync.Mutex          // guards below
	channels map[string]*channel // those that are wanted
	running  bool
	session  *redis.PubSub       // nil while there is none
	told     map[string]*channel // those the session was told to subscribe to, and not to leave since
	pending  map[string]struct{} // channels that were wanted, or not any more, since it was told
	telling  bool                // somebody is telling it
	stop     context.CancelFunc
}

// hearer is whoever listens to a channel: a Source. One that is closed is told nothing more.
type hearer interface {
	channel() string
	closed() bool
	heard(kind, about string)
	subscribed(again bool) // it hears from now on; again: what happened since it last did is missed
}

// channel is what is known of one channel.
type channel struct {
	hearers   []hearer
	confirmed chan struct{} // closed while the subscription stands
	stood     bool          // it has stood before
}

func newChannel() *channel { return &channel{confirmed: make(chan struct{})} }

// unconfirm spares those who wait for the first confirmation.
func (c *channel) unconfirm() {
	if isClosed(c.confirmed) {
		c.confirmed = make(chan struct{})
	}
}

// add begins to listen for h and returns what is closed once the server has
// confirmed it. Calling it again is cheap. One that is closed is not listened for:
// whoever closes one removes it afterwards, so either add or remove notices. For that
// reason nobody who has state.mu may call the notifier.
func (n *notifier) add(h hearer) <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	if h.closed() {
		return nil
	}
	name := h.channel()
	ch := n.channels[name]
	if ch == nil {
		if ch = n.told[name]; ch == nil { // else the session has not heard that nobody wanted it for a moment
			ch = newChannel()
		}
		n.channels[name] = ch
		n.changed(name)
	}
	if !slices.Contains(ch.hearers, h) {
		ch.hearers = append(ch.hearers, h)
	}
	n.work()
	return ch.confirmed
}

// hears reports whether what h listens to arrives, as far as anyone can tell.
func (n *notifier) hears(h hearer) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	ch := n.channels[h.channel()]
	return ch != nil && slices.Contains(ch.hearers, h) && isClosed(ch.confirmed)
}

// remove ceases to listen for h.
func (n *notifier) remove(h hearer) {
	n.mu.Lock()
	defer n.mu.Unlock()
	name := h.channel()
	ch := n.channels[name]
	if ch == nil {
		return
	}
	ch.hearers = slices.DeleteFunc(ch.hearers, func(other hearer) bool { return other == h })
	if len(ch.hearers) > 0 {
		return
	}
	delete(n.channels, name)
	n.changed(name)
	n.work()
}

// changed notes that a channel is wanted, or not any more. Without a session there is nobody
// to tell: the next begins with all that are wanted then. The caller holds n.mu.
func (n *notifier) changed(name string) {
	if n.session != nil {
		n.pending[name] = struct{}{}
	}
}

// close ends the session and its loop.
func (n *notifier) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.stop != nil {
		n.stop()
	}
}

// work starts the loop, if there is anything to hear, and somebody to tell the session what
// has changed. The caller holds n.mu.
func (n *notifier) work() {
	if !n.running && len(n.channels) > 0 {
		ctx, cancel := context.WithCancel(context.Background())
		n.running = n.spawn(func() {
			defer cancel()
			n.loop(ctx)
		})
		n.stop = cancel
	}
	if n.session != nil && len(n.pending) > 0 && !n.telling {
		n.telling = n.spawn(n.tellSession)
	}
}

// tellSession has the session subscribe to what is wanted, and to nothing else. What changes
// while it writes is made good in the next round. Nobody else writes, so that the server
// hears what was decided last last.
func (n *notifier) tellSession() {
	for {
		session, join, leave := n.difference()
		if session == nil {
			return
		}
		write(session, join, leave)
	}
}

// write survives a panic of somebody's Dialer. If it fails, the session is broken.
func write(session *redis.PubSub, join, leave []string) {
	defer func() { _ = recover() }()
	if len(leave) > 0 {
		_ = session.Unsubscribe(cancelled, leave...)
	}
	if len(join) > 0 {
		_ = session.Subscribe(cancelled, join...)
	}
}

// difference takes note of what the session is about to be told, and returns it; no session
// if there is nothing to tell.
func (n *notifier) difference() (session *redis.PubSub, join, leave []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.session == nil || len(n.pending) == 0 {
		n.telling = false
		return nil, nil, nil
	}
	for name := range n.pending {
		switch wanted, told := n.channels[name], n.told[name]; {
		case wanted != nil && told == nil:
			join = append(join, name)
			n.told[name] = wanted
		case wanted == nil && told != nil:
			leave = append(leave, name)
			delete(n.told, name)
		}
	}
	clear(n.pending)
	slices.Sort(join)
	slices.Sort(leave)
	return n.session, join, leave
}

// notifierBackoff paces new sessions.
var notifierBackoff = backoff{time.Second, 30 * time.Second}

// loop opens one session after another, while there is anything to hear.
func (n *notifier) loop(ctx context.Context) {
	for failures := 0; ctx.Err() == nil && !n.idle(); {
		if <-aside(func() bool { return n.listen(ctx) }, func(any) bool { return false }) {
			failures = 0
		}
		failures++
		relearn(n.rdb) // the next may be elsewhere
		sleepUnless(ctx.Done(), notifierBackoff.after(failures, n.jitter()))
	}
}

// idle ends the loop if nobody listens; the next to come starts it again.
func (n *notifier) idle() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.running = len(n.channels) > 0
	return !n.running
}

// listen is one session. It reports whether the server confirmed anything. It runs aside, as somebody's
// net.Conn may panic or end the goroutine: that ends the session, and no more.
func (n *notifier) listen(ctx context.Context) (confirmed bool) {
	session := n.connect(ctx)
	if session == nil {
		return false
	}
	stop := context.AfterFunc(ctx, func() { _ = session.Close() })
	defer func() {
		stop()
		_ = session.Close()
		n.disconnected()
	}()
	for {
		message, err := session.Receive(cancelled)
		if err != nil {
			return confirmed
		}
		switch m := message.(type) {
		case *redis.Subscription:
			if m.Kind == "subscribe" {
				confirmed = true
				n.confirm(m.Channel)
			} else {
				n.dropped(m.Channel)
			}
		case *redis.Message:
			kind, about, _ := strings.Cut(m.Payload, " ")
			n.each(m.Channel, func(h hearer, _ bool) { h.heard(kind, about) })
		}
	}
}

// connect opens a session for all channels. The client may take much longer
// than it is told to, so it works aside and is left behind.
func (n *notifier) connect(ctx context.Context) *redis.PubSub {
	n.mu.Lock()
	names := make([]string, 0, len(n.channels))
	for name := range n.channels {
		names = append(names, name)
	}
	n.mu.Unlock()
	slices.Sort(names)

	ctx, cancel := context.WithTimeout(ctx, n.timeout)
	defer cancel()                  // here, not aside: the select below takes an end of ctx for a failure
	session := n.rdb.Subscribe(ctx) // no channels: no connection yet
	done := aside(func() error {
		err := session.Subscribe(ctx, names...)
		if err == nil {
			err = ctx.Err() // too late: nobody waits any more
		}
		if err != nil {
			_ = session.Close()
		}
		return err
	}, func(any) error { return errClientEnded })
	select {
	case err := <-done:
		if err != nil {
			return nil
		}
	case <-ctx.Done():
		go func() {
			if <-done == nil { // at the very same moment
				_ = session.Close()
			}
		}()
		return nil
	}

	n.connected(session, names)
	return session
}

// connected takes a session that was told to subscribe to names, which may not be what is
// wanted by now.
func (n *notifier) connected(session *redis.PubSub, names []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.session = session
	n.told, n.pending = make(map[string]*channel, len(names)), make(map[string]struct{})
	for _, name := range names {
		if n.told[name] = n.channels[name]; n.told[name] == nil {
			n.told[name] = newChannel()
		}
		n.pending[name] = struct{}{}
	}
	for name := range n.channels {
		n.pending[name] = struct{}{}
	}
	n.work()
}

// disconnected forgets the session.
func (n *notifier) disconnected() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.session, n.told, n.pending = nil, nil, nil
	for _, ch := range n.channels {
		ch.unconfirm()
	}
}

// confirm tells the hearers that a subscription stands. Fills that wait for just this are told last:
// they look anyway, and would take the news for a reason to look twice.
func (n *notifier) confirm(name string) {
	n.each(name, func(h hearer, stood bool) { h.subscribed(stood) })
	n.mu.Lock()
	defer n.mu.Unlock()
	if ch := n.told[name]; ch != nil {
		ch.stood = true
		closeOnce(ch.confirmed)
	}
}

// dropped is told that the server has left a channel. One that is wanted again is on its way
// to be joined.
func (n *notifier) dropped(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if ch := n.channels[name]; ch != nil {
		ch.unconfirm()
	}
}

// each tells all hearers of a channel something.
func (n *notifier) each(name string, tell func(h hearer, stood bool)) {
	n.mu.Lock()
	var hearers []hearer
	stood := false
	if ch := n.channels[name]; ch != nil {
		hearers, stood = slices.Clone(ch.hearers), ch.stood
	}
	n.mu.Unlock()
	for _, h := range hearers {
		tell(h, stood)
	}
}
