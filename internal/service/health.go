package service

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// readiness is sticky: once every credential of the configuration was answered, the service is ready for
// as long as it lives. A credential that is added later, or an outage, is no reason to send everybody
// elsewhere: tokens that are at hand serve.
type readiness struct{ was atomic.Bool }

// note takes the credentials that were not answered when somebody looked. It never takes readiness back: whoever has
// looked before another found all answered may be the later one to say so.
func (r *readiness) note(unanswered []string) {
	if len(unanswered) == 0 {
		r.was.Store(true)
	}
}

// serveReady answers 200 once every credential was answered, by a token or a refusal after which a person
// has to act; with ?credential=NAME once that one was.
func (s *Service) serveReady(out http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Has("credential") {
		s.serveReadyOf(out, r.URL.Query().Get("credential"))
		return
	}
	if waits := s.judgeReady(); len(waits) > 0 {
		line(out, http.StatusServiceUnavailable, "not ready: no answer yet for", waits...)
		return
	}
	line(out, http.StatusOK, "ready", s.warnings()...)
}

// judgeReady returns the credentials that keep the service from being ready, each with why; none once it was.
// It is called after every event, too, lest nobody sees the moment.
func (s *Service) judgeReady() (waits []string) {
	if s.ready.was.Load() {
		return nil
	}
	waits = s.unanswered()
	s.ready.note(waits)
	return waits
}

func (s *Service) unanswered() (waits []string) {
	for _, e := range s.vault.Entries() {
		if !e.Answered() {
			waits = append(waits, e.Name()+": "+e.WhyNot())
		}
	}
	return waits
}

func (s *Service) serveReadyOf(out http.ResponseWriter, name string) {
	e, ok := s.vault.Find(name)
	switch {
	case !ok:
		line(out, http.StatusNotFound, "no credential of that name is in use")
	case !e.Answered():
		line(out, http.StatusServiceUnavailable, "not ready: "+e.WhyNot())
	default:
		text := "ready: there is no token: " + e.WhyNot()
		if tok, ok := e.Peek(); ok {
			text = "ready: the token lives another " + time.Until(tok.Expiry()).Truncate(time.Second).String()
		}
		line(out, http.StatusOK, text)
	}
}

// warnings are what does not keep the service from being ready.
func (s *Service) warnings() (lines []string) {
	if _, err := s.loaded.get(); err != nil {
		lines = append(lines, "warning: the configuration in the file is refused, and the one before is in use")
	}
	for _, e := range s.vault.Entries() {
		if newer, ok := e.Pending(); ok {
			lines = append(lines, "warning: "+e.Name()+" as it is in the file is not in use since "+newer.Since.UTC().Format(time.RFC3339)+", and the one before serves: "+e.WhyNot())
			continue
		}
		if _, ok := e.Peek(); !ok {
			lines = append(lines, "warning: "+e.Name()+" has no token: "+e.WhyNot())
		}
	}
	return lines
}

// serveHealth answers 200 while the process works, whatever Redis and the issuers do.
func (s *Service) serveHealth(out http.ResponseWriter, _ *http.Request) {
	if how := s.pulse.StandsStill(); how != "" {
		line(out, http.StatusServiceUnavailable, "stands still: "+how)
		return
	}
	line(out, http.StatusOK, "alive")
}

func line(out http.ResponseWriter, status int, text string, more ...string) {
	out.Header().Set("Content-Type", "text/plain; charset=utf-8")
	out.Header().Set("Cache-Control", "no-store")
	out.Header().Set("X-Content-Type-Options", "nosniff")
	out.WriteHeader(status)
	for _, text := range append([]string{text}, more...) {
		_, _ = io.WriteString(out, strings.ReplaceAll(text, "\n", " ")+"\n")
	}
}
