package main

import (
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/onetoken-go/onetoken/metrics"
	"github.com/onetoken-go/onetoken/tokencache"
)

// maxScrapes bounds how many are answered at once; more get a 503.
const maxScrapes = 4

// refresherHandler serves what the help of the command says. Nothing it does waits
// for Redis or the issuer.
func refresherHandler(source *tokencache.Source, w *watch, m *metrics.Collector, logger *slog.Logger) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(m, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux := http.NewServeMux() // GET is HEAD too; another method is a 405, another path a 404
	mux.HandleFunc("GET /healthz", func(out http.ResponseWriter, _ *http.Request) {
		line(out, http.StatusOK, "alive")
	})
	mux.HandleFunc("GET /readyz", func(out http.ResponseWriter, _ *http.Request) {
		tok, ok := source.Peek()
		if !ok {
			line(out, http.StatusServiceUnavailable, "not ready: "+w.whyNot())
			return
		}
		line(out, http.StatusOK, "ready: the token lives another "+time.Until(tok.Expiry()).Truncate(time.Second).String())
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorLog:            slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
		MaxRequestsInFlight: maxScrapes,
	}))
	return mux
}

func line(out http.ResponseWriter, status int, text string) {
	out.Header().Set("Content-Type", "text/plain; charset=utf-8")
	out.Header().Set("Cache-Control", "no-store")
	out.WriteHeader(status)
	_, _ = io.WriteString(out, text+"\n")
}
