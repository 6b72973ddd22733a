package redistest

import (
	"bufio"
	"bytes"
	"sync"
	"time"
)

// Shape says how long every message takes through a Link, and looks on. It is how
// a simulation that is to be repeated gives each message a moment of its own. A
// func that is nil takes no time. All are called from several goroutines at once,
// and none waits.
//
// Messages of one connection keep their order: none takes less than behind, which is how
// long the one before it is still under way. Whoever returns more has no two arrive at
// one moment.
type Shape struct {
	// Request is told of a command as the client sends it, and returns how long it
	// takes to the server. The name is in upper case.
	Request func(name string, args []string, behind time.Duration) time.Duration
	// Reply is told of what the server sends, at the moment it does, and returns how
	// long it takes to the client. Words are those of its first level.
	Reply func(words []string, behind time.Duration) time.Duration
	// Arriving is told what Reply was, before the client has it, and Arrived once it has.
	Arriving, Arrived func(words []string)
	// Rewrite returns what stands for a message in RESP: for a request before all others see it,
	// for a reply after that. Nil leaves all as they are.
	Rewrite func(raw []byte, request bool) []byte
}

// Shape sets the shape of the link, for connections to come. Heal leaves it.
func (l *Link) Shape(s Shape) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shape = s
}

func (l *Link) shaped() Shape {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.shape
}

// apart keeps what would otherwise happen at one instant to several connections of a
// shaped link some microseconds apart: they would come back in any order.
func (l *Link) apart(n int) {
	if l.shaped().Request != nil {
		time.Sleep(time.Duration(n) * 1001 * time.Nanosecond)
	}
}

// road is where the requests of one connection travel, in order. They are read all
// the time, as a socket's buffers would have it: a client that had to wait for its
// writes would, with a PubSub, wait under a mutex, and stop the time of a bubble.
type road struct {
	mu    sync.Mutex // guards what follows
	queue []travelling
	ended bool // the client has hung up; what is on its way still arrives
	wake  chan struct{}
}

type travelling struct {
	request value
	due     time.Time
}

func (r *road) add(t travelling) {
	r.mu.Lock()
	r.queue = append(r.queue, t)
	r.mu.Unlock()
	r.signal()
}

func (r *road) end() {
	r.mu.Lock()
	r.ended = true
	r.mu.Unlock()
	r.signal()
}

func (r *road) signal() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// next returns the first that travels, and whether there is one; over once there will
// be none any more.
func (r *road) next() (t travelling, some, over bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.queue) == 0 {
		return travelling{}, false, r.ended
	}
	t = r.queue[0]
	r.queue = r.queue[1:]
	return t, true, false
}

// requestsShaped is requests for a link with a shape.
func (r *relay) requestsShaped(shape Shape) {
	way := &road{wake: make(chan struct{}, 1)}
	go r.forward(way)
	defer way.end()
	in := bufio.NewReader(r.client)
	var last time.Time
	for {
		v, err := readValue(in)
		if err != nil {
			return
		}
		if shape.Rewrite != nil {
			if v, err = readValue(bufio.NewReader(bytes.NewReader(shape.Rewrite(v.raw, true)))); err != nil {
				return
			}
		}
		name, args := v.command()
		last = time.Now().Add(shape.Request(name, args, max(0, time.Until(last))))
		way.add(travelling{v, last})
	}
}

func (r *relay) forward(way *road) {
	defer r.close()
	for {
		t, some, over := way.next()
		switch {
		case over:
			return
		case some:
			if !r.await(t.due) || r.request(t.request) != nil {
				return
			}
		default:
			select {
			case <-way.wake:
			case <-r.done:
				return
			}
		}
	}
}

// replyTime is how long a reply takes beyond the link's delay.
func (s Shape) replyTime(words []string, behind time.Duration) time.Duration {
	if s.Reply == nil {
		return 0
	}
	return s.Reply(words, behind)
}

// rewritten is a reply as the client is to have it.
func (s Shape) rewritten(raw []byte) []byte {
	if s.Rewrite == nil {
		return raw
	}
	return s.Rewrite(raw, false)
}

func (s Shape) arriving(words []string) {
	if s.Arriving != nil {
		s.Arriving(words)
	}
}

func (s Shape) arrived(words []string) {
	if s.Arrived != nil {
		s.Arrived(words)
	}
}
