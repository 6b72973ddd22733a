package redistest

import (
	"bufio"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// relay carries one connection through a Link. Both ends are read all the time,
// whatever the fault: a net.Pipe holds nothing, and one that nobody reads stops
// all of miniredis.
//
// Three goroutines: requests reads the client, replies the server, deliver
// writes to the client, which may be slow. They end when either end closes.
type relay struct {
	link           *Link
	client, server net.Conn
	silent         atomic.Bool
	subscribed     atomic.Bool
	loseNext       atomic.Bool // on a subscribed connection

	mu       sync.Mutex // guards what follows
	expected []rule     // what to do with the replies to come, in order
	queue    []delivery // for the client
	last     time.Time  // the last of them is due, or was
	wake     chan struct{}

	done chan struct{}
	once sync.Once
}

// delivery is due for the client at a time; without bytes it hangs up.
type delivery struct {
	raw   []byte
	words []string
	due   time.Time
}

func newRelay(l *Link, client, server net.Conn) *relay {
	return &relay{
		link:   l,
		client: client,
		server: server,
		wake:   make(chan struct{}, 1),
		done:   make(chan struct{}),
	}
}

func (r *relay) start() {
	go r.requests()
	go r.replies()
	go r.deliver()
}

func (r *relay) close() {
	r.once.Do(func() {
		close(r.done)
		r.link.leave(r)
		_ = r.client.Close()
		_ = r.server.Close()
	})
}

func (r *relay) requests() {
	if shape := r.link.shaped(); shape.Request != nil {
		r.requestsShaped(shape)
		return
	}
	defer r.close()
	in := bufio.NewReader(r.client)
	for {
		v, err := readValue(in)
		if err != nil {
			return
		}
		if err := r.request(v); err != nil {
			return
		}
	}
}

// ping stands in for a command that the server is not to see: it has one reply,
// too, so that replies keep their order.
var ping = []byte("*1\r\n$4\r\nPING\r\n")

func (r *relay) request(v value) error {
	rule := r.link.command(v)
	if rule.gate != nil {
		select {
		case <-rule.gate:
		case <-r.done:
		}
	}
	if r.silent.Load() {
		return nil
	}
	if r.subscribed.Load() && rule.text != "" {
		r.enqueue(errorReply(rule.text), nil, 0) // nothing waits its turn here
		return nil
	}
	if name, _ := v.command(); subscribes(name) && rule.text == "" {
		r.subscribed.Store(true)
	}
	raw := v.raw
	if rule.text != "" {
		raw = ping
	}
	if rule.twice && !r.subscribed.Load() {
		raw = slices.Concat(raw, raw)
		r.expect(ruleFirstReply)
	}
	r.expect(rule)
	_, err := r.server.Write(raw)
	return err
}

// ruleFirstReply is for the reply to the first of two.
var ruleFirstReply = rule{drop: true}

func errorReply(text string) []byte { return []byte("-" + text + "\r\n") }

// expect notes what to do with the reply to a request. A subscribed connection
// has no one reply to a request, only the next.
func (r *relay) expect(rule rule) {
	if r.subscribed.Load() {
		r.loseNext.CompareAndSwap(false, rule.lose)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.expected = append(r.expected, rule)
}

func (r *relay) replies() {
	defer r.close()
	in := bufio.NewReader(r.server)
	for {
		v, err := readValue(in)
		if err != nil {
			return
		}
		switch rule := r.expectation(v); {
		case rule.drop:
		case rule.lose:
			r.enqueue(nil, v.words, 0)
		case rule.cut:
			r.enqueue(v.raw[:len(v.raw)/2], nil, 0)
			r.enqueue(nil, v.words, 0)
		case rule.text != "":
			r.enqueue(errorReply(rule.text), nil, 0)
		case !r.halfOpen() || v.confirms():
			r.enqueue(r.link.shaped().rewritten(v.raw), v.words, rule.late)
		}
	}
}

// expectation returns what to do with a reply.
func (r *relay) expectation(v value) rule {
	if r.subscribed.Load() {
		return rule{lose: r.loseNext.Load()}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if v.kind == '>' || len(r.expected) == 0 {
		return rule{}
	}
	next := r.expected[0]
	r.expected = r.expected[1:]
	return next
}

// halfOpen reports whether this is a subscription that brings nothing.
func (r *relay) halfOpen() bool {
	r.link.mu.Lock()
	defer r.link.mu.Unlock()
	return r.link.deaf && r.subscribed.Load()
}

func (r *relay) enqueue(raw []byte, words []string, late time.Duration) {
	r.link.mu.Lock()
	r.link.received += int64(len(raw))
	delay, shape := r.link.delay, r.link.shape
	r.link.mu.Unlock()
	r.mu.Lock()
	behind := max(0, time.Until(r.last))
	r.mu.Unlock()
	due := time.Now().Add(late + delay + shape.replyTime(words, behind)) // without the lock: it looks at other links
	r.mu.Lock()
	r.last = due
	r.queue = append(r.queue, delivery{raw, words, due})
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (r *relay) deliver() {
	defer r.close()
	for {
		select {
		case <-r.wake:
		case <-r.done:
			return
		}
		for _, d := range r.take() {
			if !r.await(d.due) {
				return
			}
			if r.silent.Load() {
				continue
			}
			shape := r.link.shaped()
			if d.raw != nil {
				shape.arriving(d.words)
			}
			if _, err := r.client.Write(d.raw); err != nil || d.raw == nil {
				return
			}
			shape.arrived(d.words)
		}
	}
}

func (r *relay) take() []delivery {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := r.queue
	r.queue = nil
	return taken
}

// await returns false if the relay was closed first.
func (r *relay) await(due time.Time) bool {
	d := time.Until(due)
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.done:
		return false
	}
}
