package listen

import (
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"runtime/debug"
	"time"
)

// guard is in front of every handler.
type guard struct {
	config  Config
	clients *connections
	next    http.Handler
}

func newGuard(config Config, clients *connections, next http.Handler) *guard {
	return &guard{config: config, clients: clients, next: next}
}

// ServeHTTP calls the handler with a request that keeps to the limits.
func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.clients.begin()
	defer g.clients.end(connectionOf(r.Context()))
	defer g.recovered(r)
	own := w
	if g.config.StallTimeout > 0 {
		stall := newStall(g.config, w, r)
		defer stall.end()
		w, r = stall.writer(), stall.request(r)
	}
	if headerBytes(r) > g.config.MaxHeaderBytes {
		w.Header().Set("Connection", "close") // as net/http does with even more
		http.Error(w, http.StatusText(http.StatusRequestHeaderFieldsTooLarge), http.StatusRequestHeaderFieldsTooLarge)
		return
	}
	if g.config.TLS != nil {
		r = g.config.TLS.present(w, r, time.Now())
	}
	g.next.ServeHTTP(w, g.boundBody(own, r))
}

// recovered logs a panic without its value, which may hold a secret, and goes on with one that net/http
// does not log. The stack shows no text of arguments.
func (g *guard) recovered(r *http.Request) {
	value := recover()
	if value == nil {
		return
	}
	if err, _ := value.(error); !errors.Is(err, http.ErrAbortHandler) {
		g.config.Logger.ErrorContext(r.Context(), "panic in a handler", "panic", describe(value), "stack", string(debug.Stack()))
	}
	panic(http.ErrAbortHandler)
}

// describe tells what the runtime has to say, such as of an index, and of others the type.
func describe(value any) string {
	if ours, ok := value.(runtime.Error); ok {
		return ours.Error()
	}
	return fmt.Sprintf("%T", value)
}

// headerBytes is what the request line and the headers take in HTTP/1.1. Net/http bounds them as
// well, but with 4 KiB on top of what it is told, and 4 KiB more on a connection that it has read
// from before.
func headerBytes(r *http.Request) int {
	n := len(r.Method) + len(" ") + len(r.RequestURI) + len(" HTTP/1.1\r\n")
	n += len("Host: ") + len(r.Host) + len("\r\n") + len("\r\n")
	for name, values := range r.Header {
		for _, value := range values {
			n += len(name) + len(": ") + len(value) + len("\r\n")
		}
	}
	return n
}

// boundBody returns the request with a body that ends at the bound. Then net/http closes the connection,
// if it gets its own writer.
func (g *guard) boundBody(own http.ResponseWriter, r *http.Request) *http.Request {
	if g.config.MaxBodyBytes < 0 || r.Body == http.NoBody {
		return r
	}
	bounded := *r
	bounded.Body = http.MaxBytesReader(own, r.Body, g.config.MaxBodyBytes)
	return &bounded
}
