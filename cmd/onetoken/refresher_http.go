package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/onetoken-go/onetoken/internal/pulse"
	"github.com/onetoken-go/onetoken/internal/terminal"
	"github.com/onetoken-go/onetoken/metrics"
)

// maxScrapes bounds how many are answered at once; more get a 503.
const maxScrapes = 4

// refresherHandler serves what the help of the command says. Nothing it does waits
// for Redis or the issuer.
func refresherHandler(r *rotation, p *pulse.Pulse, m *metrics.Collector, logger *slog.Logger, lost prometheus.Collector) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(m, r, lost, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux := http.NewServeMux() // GET is HEAD too; another method is a 405, another path a 404
	mux.HandleFunc("GET /healthz", func(out http.ResponseWriter, _ *http.Request) {
		if how := p.StandsStill(); how != "" {
			line(out, http.StatusServiceUnavailable, "stands still: "+how)
			return
		}
		line(out, http.StatusOK, "alive")
	})
	mux.HandleFunc("GET /readyz", func(out http.ResponseWriter, _ *http.Request) {
		tok, ok := r.peek()
		if !ok {
			line(out, http.StatusServiceUnavailable, "not ready: "+r.whyNot(), r.warnings(false)...)
			return
		}
		line(out, http.StatusOK, "ready: the token lives another "+time.Until(tok.Expiry()).Truncate(time.Second).String(), r.warnings(true)...)
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorLog:            slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
		MaxRequestsInFlight: maxScrapes,
	}))
	return mux
}

func line(out http.ResponseWriter, status int, text string, more ...string) {
	out.Header().Set("Content-Type", "text/plain; charset=utf-8")
	out.Header().Set("Cache-Control", "no-store")
	out.WriteHeader(status)
	for _, text := range append([]string{text}, more...) {
		_, _ = io.WriteString(out, text+"\n")
	}
}

// readyTimeout is the longest that a health check takes.
const readyTimeout = 3 * time.Second

// checkReady asks another refresher, at the address it was told to listen on. There
// is no curl where there is nothing but this binary.
func (a *app) checkReady(ctx context.Context, address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil || port == "0" || !canListen(address) {
		return usage(errors.New("--check needs the --listen of the refresher: host:port, such as 127.0.0.1:8080"))
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1" // it listens on every address, this one too
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	ready := url.URL{Scheme: "http", Host: net.JoinHostPort(host, port), Path: "/readyz"} // the host may have a zone
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, ready.String(), nil)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // no proxy on the way to oneself
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("no refresher answers at %s: start it, or give --check its --listen", net.JoinHostPort(host, port))
	}
	defer res.Body.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(io.LimitReader(res.Body, 4<<10))
	if err != nil {
		return fmt.Errorf("the refresher at %s did not finish its answer: try again", net.JoinHostPort(host, port))
	}
	if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusServiceUnavailable {
		return fmt.Errorf("what answers at %s is no refresher (HTTP %d): give --check the --listen of one", net.JoinHostPort(host, port), res.StatusCode)
	}
	if res.StatusCode != http.StatusOK {
		return errors.New(terminal.Printable(string(text)))
	}
	for text := range strings.Lines(string(text)) {
		if _, err := fmt.Fprintln(a.stdout, terminal.Printable(text)); err != nil {
			return err
		}
	}
	return nil
}
