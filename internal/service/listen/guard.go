package listen

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
	"time"
)

// guard is in front of every handler.
type guard struct {
	next    http.Handler
	clients *connections
	logger  *slog.Logger
	tls     *TLS // nil without

	maxHeaderBytes int
	maxBodyBytes   int64
}

func newGuard(config Config, clients *connections, next http.Handler) *guard {
	return &guard{
		next:           next,
		clients:        clients,
		logger:         config.Logger,
		tls:            config.TLS,
		maxHeaderBytes: config.MaxHeaderBytes,
		maxBodyBytes:   config.MaxBodyBytes,
	}
}

// ServeHTTP calls the handler with a request that keeps to the limits.
func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.clients.begin()
	defer g.clients.end(connectionOf(r.Context()))
	defer g.recovered(r)
	if headerBytes(r) > g.maxHeaderBytes {
		w.Header().Set("Connection", "close") // as net/http does with even more
		http.Error(w, http.StatusText(http.StatusRequestHeaderFieldsTooLarge), http.StatusRequestHeaderFieldsTooLarge)
		return
	}
	if g.tls != nil {
		r = g.tls.present(w, r, time.Now())
	}
	g.next.ServeHTTP(w, g.boundBody(w, r))
}

// recovered logs a panic without its value, which may hold a secret, and goes on with one that net/http
// does not log. The stack shows no text of arguments.
func (g *guard) recovered(r *http.Request) {
	value := recover()
	if value == nil {
		return
	}
	if err, _ := value.(error); !errors.Is(err, http.ErrAbortHandler) {
		g.logger.ErrorContext(r.Context(), "panic in a handler", "panic", describe(value), "stack", string(debug.Stack()))
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

// boundBody returns the request with a body that ends at the bound.
func (g *guard) boundBody(w http.ResponseWriter, r *http.Request) *http.Request {
	if g.maxBodyBytes < 0 || r.Body == http.NoBody {
		return r
	}
	bounded := *r
	bounded.Body = http.MaxBytesReader(w, r.Body, g.maxBodyBytes)
	return &bounded
}
