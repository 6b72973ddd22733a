package listen

import (
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// stall bounds how long the client of one request may stand still.
//
// While the handler runs, it sets a deadline only once a call has stalled, and then one that has passed. One
// before each call would have to be taken back after it, because HTTP/2 resets a stream whose write
// deadline passes while nothing is written; and each of the two costs HTTP/2 allocations and a
// message. In HTTP/1.1 a goroutine that still reads the body when the handler returns would take a
// deadline back too late: then it undoes those by which net/http ends its own reads and bounds idle
// connections.
type stall struct {
	limit   time.Duration
	inner   http.ResponseWriter
	control http.ResponseController // of inner
	body    io.ReadCloser
	http2   bool

	reads, writes watch
	drained       atomic.Bool // of the body nothing is left to read
	readsCut      atomic.Bool
	boundedReads  bool // by Config.ReadTimeout
	boundedWrites bool // by Config.WriteTimeout
}

func newStall(config Config, w http.ResponseWriter, r *http.Request) *stall {
	s := &stall{
		limit:         config.StallTimeout,
		inner:         w,
		control:       *http.NewResponseController(w),
		body:          r.Body,
		http2:         r.ProtoMajor == 2,
		boundedReads:  config.ReadTimeout > 0,
		boundedWrites: config.WriteTimeout > 0,
	}
	s.reads.limit, s.reads.interrupt = s.limit, s.interruptRead
	s.writes.limit, s.writes.interrupt = s.limit, s.interruptWrite
	s.drained.Store(r.Body == http.NoBody || s.http2 && r.ContentLength == 0)
	s.lift()
	return s
}

// beforeHandler is the limit of net/http itself for a request without one: a body that it reads to its end
// after it has refused the request (such as for its Expect), and the writing of the refusal. The
// handshake, which the shortest of all bounds, keeps its time.
func beforeHandler(config Config, own time.Duration) time.Duration {
	if config.StallTimeout > 0 && own < 0 {
		return max(config.StallTimeout, config.ReadHeaderTimeout)
	}
	return own
}

// lift takes back the deadlines of beforeHandler. In HTTP/1.1 one without a body has none for reading, and a
// read under way. In HTTP/2 a stream keeps its timer for writing, which ends with it: one that is made later,
// by end, could come after the stream, and reset it when nobody knows it any more.
func (s *stall) lift() {
	if !s.boundedReads && !s.drained.Load() {
		_ = s.control.SetReadDeadline(time.Time{}) // net/http's own writer always can
	}
	if s.boundedWrites {
		return
	}
	var never time.Time
	if s.http2 {
		never = time.Now().Add(unending)
	}
	_ = s.control.SetWriteDeadline(never)
}

const unending = 100 * 365 * 24 * time.Hour

// writer is what the handler answers by.
func (s *stall) writer() http.ResponseWriter { return stallWriter{s} }

// request is what the handler gets. It is a copy: net/http looks at the body of its own.
func (s *stall) request(r *http.Request) *http.Request {
	if r.Body == http.NoBody {
		return r
	}
	watched := *r
	watched.Body = stallBody{s}
	return &watched
}

// interruptRead ends a read of the body. One that still goes on is not reading: it tells the client
// to continue (RFC 9110, 10.1.1), and the client does not listen.
func (s *stall) interruptRead() {
	if !s.readsCut.Load() {
		s.cutReads()
		return
	}
	s.cutWrites()
}

// interruptWrite ends a write. With HTTP/1.1 the first of a response reads what the handler has left of
// the body, up to 256 KiB (chunkWriter.writeHeader). So that is cut first, and the answer can follow.
func (s *stall) interruptWrite() {
	if s.unread() && !s.readsCut.Load() {
		s.cutReads()
		return
	}
	s.cutWrites()
}

// unread says whether net/http may read more of the body by itself.
func (s *stall) unread() bool { return !s.http2 && !s.drained.Load() }

// A deadline that has passed ends what is under way, and all that is tried later.
var longAgo = time.Unix(1, 0)

func (s *stall) cutReads() {
	s.readsCut.Store(true)
	_ = s.control.SetReadDeadline(longAgo)
}

func (s *stall) cutWrites() { _ = s.control.SetWriteDeadline(longAgo) }

// end bounds what net/http does once the handler has returned: it reads what is left of the body, up to
// 256 KiB, and then writes what is left of the response. Before the next request net/http sets both deadlines
// anew. A ReadTimeout or WriteTimeout bounds this already.
func (s *stall) end() {
	s.reads.stop()
	if !s.writes.stop() { // hijacked: nothing here is net/http's any more
		return
	}
	last := time.Now().Add(s.limit)
	if s.unread() {
		if !s.boundedReads && !s.readsCut.Load() {
			_ = s.control.SetReadDeadline(last)
		}
		last = last.Add(s.limit)
	}
	if !s.boundedWrites {
		_ = s.control.SetWriteDeadline(last)
	}
}
