package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Bounds of a server that may be left running.
const (
	maxHeaderBytes = 16 << 10
	shutdownGrace  = 5 * time.Second
)

// canListen says whether address is host:port, with a port that there is.
func canListen(address string) bool {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	_, err = net.LookupPort("tcp", port)
	return err == nil
}

// listen opens what --listen asks for.
func listen(ctx context.Context, address string) (net.Listener, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%w: choose another --listen", err)
	}
	return listener, nil
}

// serve answers until ctx ends, then finishes what it has begun. Its bounds are
// for clients that are slow or never finish; latency is on top.
func serve(ctx context.Context, listener net.Listener, handler http.Handler, logger *slog.Logger, latency time.Duration) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      10*time.Second + latency,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelInfo),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	if server.Shutdown(grace) != nil {
		_ = server.Close() // somebody is still not done: they have had their time
	}
	return nil
}

// logged tells of each request at level info: what was asked, never a header
// or body, for these hold secrets.
func logged(logger *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin := time.Now()
		next.ServeHTTP(w, r)
		logger.InfoContext(r.Context(), "request", "method", r.Method, "path", r.URL.Path,
			"log_id", cmp.Or(w.Header().Get("X-Tt-Logid"), w.Header().Get("X-Request-Id")), "took", time.Since(begin))
	})
}
