package listen

import (
	"container/list"
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// connections bounds how many clients are connected. A connection either waits for a request or has
// one under way; those that wait can be closed to make room. A client that sends its headers slowly
// still waits, so that thousands of those lock nobody out. A hijacked one has its request under way until the
// handler returns: net/http no longer knows of it, and if nobody counted it, a client could hold any number.
type connections struct {
	most   int
	logger *slog.Logger

	mu       sync.Mutex               // guards all below
	open     map[net.Conn]*connection // by what is below TLS
	admitted int                      // of those open; the others are being closed
	fresh    *list.List               // admitted, without a request yet, by when they came
	idle     *list.List               // admitted, had some, by when the last was done
	handlers int                      // calls of handlers under way
	closing  bool
	empty    chan struct{} // closed once closing and nothing is left
	crowd    crowd
}

// connection is what is known of one.
type connection struct {
	conn     net.Conn  // below TLS
	identity *Identity // that the handshake was made with; nil without TLS
	admitted bool
	hijacked bool          // and its handler has not returned
	since    time.Time     // when it began to wait
	queue    *list.List    // where it waits
	place    *list.Element // in queue; nil while a request is under way
}

func newConnections(most int, logger *slog.Logger) *connections {
	return &connections{
		most:   most,
		logger: logger,
		open:   make(map[net.Conn]*connection),
		fresh:  list.New(),
		idle:   list.New(),
		empty:  make(chan struct{}),
	}
}

type connectionKey struct{}

// connectionOf returns the one that a context belongs to.
func connectionOf(ctx context.Context) *connection {
	c, _ := ctx.Value(connectionKey{}).(*connection)
	return c
}

// admit takes in a new connection, or closes it; net/http finds out when it reads. It is called by
// the one goroutine that accepts.
func (c *connections) admit(ctx context.Context, conn net.Conn, now time.Time) context.Context {
	newcomer := &connection{conn: raw(conn)}
	loser, report := c.enter(newcomer, now)
	if loser != nil {
		_ = loser.conn.Close()
	}
	if report.due {
		c.logger.WarnContext(ctx, "as many clients as allowed are connected", "allowed", c.most, "closed_waiting", report.closed, "refused", report.refused)
	}
	return context.WithValue(ctx, connectionKey{}, newcomer)
}

// enter returns the connection that has to be closed: one that waits, the newcomer, or nil.
func (c *connections) enter(newcomer *connection, now time.Time) (loser *connection, report report) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open[newcomer.conn] = newcomer
	if c.closing {
		return newcomer, report
	}
	if c.admitted == c.most {
		loser = c.victim(now)
		report = c.crowd.note(loser != nil, now)
		if loser == nil {
			return newcomer, report
		}
		c.dismiss(loser)
	}
	newcomer.admitted = true
	c.admitted++
	c.enqueue(newcomer, c.fresh, now)
	return loser, report
}

// A client that means it has sent its headers within patience, handshake included.
const patience = time.Second

// victim is who has waited longest: for its first request, if that took longer than patience; then for
// its next; then for the first. So those who send nothing go before clients who did, and a flood
// of new ones does not push out those that are about to ask. Nil: all have a request under way.
func (c *connections) victim(now time.Time) *connection {
	fresh, idle := longestWaiting(c.fresh), longestWaiting(c.idle)
	if fresh != nil && now.Sub(fresh.since) >= patience {
		return fresh
	}
	if idle != nil {
		return idle
	}
	return fresh
}

func longestWaiting(queue *list.List) *connection {
	if front := queue.Front(); front != nil {
		return front.Value.(*connection)
	}
	return nil
}

// dismiss no longer counts a connection, which the caller closes.
func (c *connections) dismiss(known *connection) {
	if !known.admitted {
		return
	}
	known.admitted = false
	c.admitted--
	c.dequeue(known)
}

// changed follows a connection: http.Server.ConnState.
func (c *connections) changed(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.open[raw(conn)]
	if known == nil { // net/http has no more to say of those that are gone
		return
	}
	switch state {
	case http.StateActive:
		c.dequeue(known)
	case http.StateIdle:
		c.enqueue(known, c.idle, time.Now())
	case http.StateHijacked:
		known.hijacked = true
	case http.StateClosed:
		c.forget(known)
	}
}

func (c *connections) forget(known *connection) {
	c.dismiss(known)
	delete(c.open, known.conn)
	c.announceEmpty()
}

// enqueue leaves out those that are being closed: nobody can close them again.
func (c *connections) enqueue(known *connection, queue *list.List, now time.Time) {
	c.dequeue(known)
	if !known.admitted {
		return
	}
	known.since, known.queue = now, queue
	known.place = queue.PushBack(known)
}

func (c *connections) dequeue(known *connection) {
	if known.place != nil {
		known.queue.Remove(known.place)
		known.place = nil
	}
}

// begin counts a call of the handler, and end the end of it, with which a hijacked connection is no
// longer counted: what the handler does with it afterwards is not seen here.
func (c *connections) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.handlers++
}

func (c *connections) end(known *connection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.handlers--
	if known.hijacked {
		c.forget(known)
		return
	}
	c.announceEmpty()
}

// handled is how many calls of handlers are under way.
func (c *connections) handled() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.handlers
}
