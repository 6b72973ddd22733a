package page

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/onetoken-go/onetoken/internal/pause"
)

const (
	// mostStreams bounds how many browsers are told of changes; one more gets a 503, and looks again later.
	mostStreams = 64
	// sending is how long an update may take to be sent. It replaces the listener's limits for whole answers.
	sending = 10 * time.Second
	// reconnect is how long a browser waits when a stream has ended.
	reconnect = 2 * time.Second
)

// serveEvents is a stream of updates (text/event-stream): soon what has changed since the look that the browser
// knows, then whatever changes, and every 3 s the time, if nothing does. It ends with [Page.Run].
func (p *Page) serveEvents(out http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodHead { // whoever asks so reads no body, and does not hang up: it would take a place for ever
		out.Header().Set("Content-Type", "text/event-stream")
		return
	}
	// The last look may be of yesterday: the next one is what counts. Run may take it as soon as the stream has entered.
	_, changed := p.state()
	if !p.enter() {
		out.Header().Set("Retry-After", "5")
		http.Error(out, "too many look at this page already, or the service ends", http.StatusServiceUnavailable)
		return
	}
	defer p.leave()
	h := out.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // nginx passes it on at once
	s := stream{out: out, to: http.NewResponseController(out)}
	_, _ = fmt.Fprintf(out, "retry: %d\n\n", reconnect.Milliseconds())

	p.Nudge()
	for known := p.lookOf(r); ; {
		select {
		case <-changed:
		case <-p.ended:
			return
		case <-r.Context().Done():
			return
		}
		var now *snapshot
		now, changed = p.state()
		if err := s.send(p, now, known); err != nil {
			return
		}
		known = now.look
	}
}

// stream is one browser.
type stream struct {
	out http.ResponseWriter
	to  *http.ResponseController
}

// send sends what has changed since a look.
func (s stream) send(p *Page, now *snapshot, since uint64) error {
	text, err := now.since(since, p.name(now.look))
	if err != nil {
		return err
	}
	if err := s.to.SetWriteDeadline(time.Now().Add(sending)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	var event bytes.Buffer
	fmt.Fprintf(&event, "id: %s\ndata: ", p.name(now.look))
	event.Write(text) // JSON, in which no line ends
	event.WriteString("\n\n")
	if _, err := s.out.Write(event.Bytes()); err != nil {
		return err
	}
	return s.to.Flush()
}

// name is a look's for browsers: that of another process, or of another version of the page, means nothing here.
func (p *Page) name(look uint64) string { return p.run + "." + strconv.FormatUint(look, 10) }

// lookOf is the one that a browser has on its page: by EventSource's header, once it has lost a stream.
func (p *Page) lookOf(r *http.Request) uint64 {
	name := r.Header.Get("Last-Event-ID")
	if name == "" {
		name = r.URL.Query().Get("look")
	}
	run, number, _ := strings.Cut(name, ".")
	look, err := strconv.ParseUint(number, 10, 64)
	if err != nil || run != p.run {
		return 0
	}
	return look
}

// Run looks while there are streams, and ends them all when ctx ends.
func (p *Page) Run(ctx context.Context) {
	defer p.end()
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.watched(): // somebody looks
		}
		p.look(ctx)
		if !pause.For(ctx, rest, nil) || !pause.For(ctx, tick-rest, p.nudged) {
			return
		}
	}
}
