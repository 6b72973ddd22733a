package bearer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// ErrBodySpent is in a RejectedError if the request was not sent once more, as its body cannot be
// had again in full: it has no GetBody, and is longer than Config.KeepBody, or still on its way. The
// fleet has been told of the token: make the request anew, with a body from its beginning.
var ErrBodySpent = errors.New("bearer: the body of the request cannot be had a second time")

// replay has the body of a request twice.
type replay interface {
	first() io.ReadCloser
	// second is called once, after the reply to the first. Its error is ErrBodySpent.
	second(ctx context.Context) (io.ReadCloser, error)
	// done is called in place of second, or after it failed.
	done()
}

func newReplay(req *http.Request, keep int64) replay {
	switch {
	case req.Body == nil || req.Body == http.NoBody:
		return nobody{req.Body}
	case req.GetBody != nil:
		return again{req}
	case keep > 0 && req.ContentLength <= keep: // -1: unknown
		return &keeper{body: req.Body, bound: keep, idle: make(chan struct{})}
	}
	return once{req.Body}
}

type nobody struct{ body io.ReadCloser }

func (n nobody) first() io.ReadCloser                          { return n.body }
func (n nobody) second(context.Context) (io.ReadCloser, error) { return n.body, nil }
func (nobody) done()                                           {}

// again is a body that its request makes anew.
type again struct{ req *http.Request }

func (a again) first() io.ReadCloser { return a.req.Body }

func (a again) second(context.Context) (io.ReadCloser, error) {
	body, err := a.req.GetBody()
	if err != nil {
		return nil, ErrBodySpent // and not err, which is the caller's and may say anything
	}
	return body, nil
}

func (again) done() {}

// once is a body that is read once.
type once struct{ body io.ReadCloser }

func (o once) first() io.ReadCloser                        { return o.body }
func (once) second(context.Context) (io.ReadCloser, error) { return nil, ErrBodySpent }
func (once) done()                                         {}

// keeper keeps what the first send reads of a body, so that a second can begin with that and go on with
// the rest. The API may reject the token while the first send still reads, as it need not wait for all
// of a long body; and only one of the two sends may read:
//
//  1. Base reads by way of sending, which appends to kept. Its goroutine may be in a Read of the body when
//     the reply comes.
//  2. RoundTrip sees the rejection, and calls second. That waits for idle: for the Close by Base and for
//     the end of a Read that runs. Base may never close, so the wait ends after replayWait, with
//     ErrBodySpent.
//  3. After idle nobody reads by way of sending any more: the second send reads kept, then the body.
//  4. The body is closed once. By the second send, if there is one. Else by whichever comes later: done,
//     which RoundTrip calls, or the Close of the first send.
type keeper struct {
	body  io.ReadCloser
	bound int64
	idle  chan struct{} // closed when the first send has closed its body and no Read of it runs

	mu       sync.Mutex // guards the rest; never held while reading
	kept     []byte
	over     bool  // more than bound was read: nothing is kept
	end      error // what the body ended with, if it has
	reading  bool
	closed   bool // the first send has closed sending
	released bool // done was called: there is no second send
}

func (k *keeper) first() io.ReadCloser { return sending{k} }

// replayWait is how long the second send waits for the first to let go of the body.
const replayWait = time.Second

func (k *keeper) second(ctx context.Context) (io.ReadCloser, error) {
	timer := time.NewTimer(replayWait)
	defer timer.Stop()
	select {
	case <-k.idle:
	case <-timer.C:
		return nil, ErrBodySpent
	case <-ctx.Done():
		return nil, ErrBodySpent
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.over {
		return nil, ErrBodySpent
	}
	rest := io.Reader(k.body)
	if k.end != nil {
		rest = ended{k.end}
	}
	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(k.kept), rest), k.body}, nil
}

// done closes the body, or leaves that to the first send, which may still go on when the reply is
// there.
func (k *keeper) done() {
	k.mu.Lock()
	k.released = true
	k.kept = nil
	closed := k.closed
	k.mu.Unlock()
	if closed {
		_ = k.body.Close()
	}
}

// keep is called with k.mu held.
func (k *keeper) keep(p []byte) {
	if k.over = k.over || k.released || int64(len(k.kept)+len(p)) > k.bound; k.over {
		k.kept = nil
		return
	}
	k.kept = append(k.kept, p...)
}

// sending is the body of the first send.
type sending struct{ keeper *keeper }

func (s sending) Read(p []byte) (int, error) {
	k := s.keeper
	k.mu.Lock()
	if k.closed {
		k.mu.Unlock()
		return 0, http.ErrBodyReadAfterClose
	}
	k.reading = true
	k.mu.Unlock()

	n, err := k.body.Read(p)

	k.mu.Lock()
	defer k.mu.Unlock()
	k.keep(p[:n])
	k.reading, k.end = false, err
	if k.closed {
		close(k.idle)
	}
	return n, err
}

func (s sending) Close() error {
	k := s.keeper
	k.mu.Lock()
	if k.closed {
		k.mu.Unlock()
		return nil
	}
	k.closed = true
	if !k.reading {
		close(k.idle)
	}
	released := k.released
	k.mu.Unlock()
	if released {
		return k.body.Close()
	}
	return nil // a second send may want the rest
}

// ended is a body that has nothing but its end.
type ended struct{ err error }

func (e ended) Read([]byte) (int, error) { return 0, e.err }
