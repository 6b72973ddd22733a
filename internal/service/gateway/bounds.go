package gateway

import (
	"net/http"
	"sync"
	"sync/atomic"
)

// bounds keep what clients can make the gateway hold within limits.
type bounds struct {
	kept atomic.Int64 // bytes of bodies, at most

	mu       sync.Mutex // guards underWay
	underWay map[string]int
}

const (
	// keepBody is how much of a body is kept, so that it can be sent once more with another token.
	keepBody = 1 << 20
	// mostKept is of all bodies under way. Beyond it a body is sent once.
	mostKept = 256 << 20
	// mostUnderWay is how many requests of one client may be under way, WebSockets among them, so that one alone does not
	// take all connections of a listener.
	mostUnderWay = 2000
)

// keep is ok if there is room for the body of a request; release gives it back.
func (b *bounds) keep(r *http.Request) (release func(), ok bool) {
	size := r.ContentLength
	switch {
	case size < 0: // unknown
		size = keepBody
	case size > keepBody: // package bearer keeps none of it
		size = 0
	}
	if b.kept.Add(size) > mostKept {
		b.kept.Add(-size)
		return func() {}, false
	}
	return func() { b.kept.Add(-size) }, true
}

// begin counts a request of a client's, and is not ok of one too many. The caller calls end of one that was counted.
func (b *bounds) begin(client string) (ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.underWay == nil {
		b.underWay = map[string]int{}
	}
	if b.underWay[client] >= mostUnderWay {
		return false
	}
	b.underWay[client]++
	return true
}

func (b *bounds) end(client string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.underWay[client]--; b.underWay[client] == 0 {
		delete(b.underWay, client)
	}
}
