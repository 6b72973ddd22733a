package service

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/onetoken-go/onetoken/internal/pause"
	"github.com/onetoken-go/onetoken/internal/service/config"
	"github.com/onetoken-go/onetoken/internal/service/sdnotify"
)

// The configuration, and every file that it names, is read again on a timer, by content, because mounts
// swap links; at once when told to, and when an issuer refuses a secret. A reading catches a writer in place
// halfway now and then: only two in a row that are the same count.
const (
	reloadEvery  = 2 * time.Second
	settling     = 250 * time.Millisecond // between two readings that have to be the same
	readingTakes = 15 * time.Second       // at most
	restingTakes = 15 * time.Second       // at most, until two are the same

	longestPatience = time.Hour
)

// errRestless refuses a configuration that is written faster than it can be read.
var errRestless = errors.New("the configuration, or a file that it names, changes all the time: no two readings in a row were the same for " +
	restingTakes.String() + ": see what writes it, and let that rest")

// reading is what was found: a configuration, or why there is none.
type reading struct {
	config *config.Config
	err    error
}

// is reports whether two readings found the same.
func (r reading) is(other reading) bool {
	if r.err != nil || other.err != nil {
		return r.err != nil && other.err != nil && r.err.Error() == other.err.Error()
	}
	return r.config.Digest == other.config.Digest
}

// read reads once. A read that does not end is left behind.
func (s *Service) read(ctx context.Context) reading {
	ctx, cancel := context.WithTimeout(ctx, readingTakes)
	defer cancel()
	c, err := config.Read(ctx, s.Path, s.Getenv)
	return reading{c, err}
}

// follow reads until ctx ends, and takes each configuration that two readings in a row have found, unless it
// is the one that was taken last. One that does not rest is refused, and whoever has asked is told. A reading that has not ended in time is left behind, and costs a thread:
// the next one waits for longer each time.
func (s *Service) follow(ctx context.Context, first *config.Config) {
	taken, seen := reading{config: first}, reading{config: first}
	isAsked, patience := false, reloadEvery
	for pause.For(ctx, patience, s.early) {
		isAsked = s.asked.Swap(false) || isAsked // before the reading: it is for what the files hold now
		began, got := time.Now(), s.read(ctx)
		patience = patienceAfter(time.Since(began), patience)
		for !got.is(seen) && pause.For(ctx, settling, nil) { // nobody hurries that: it would take what is half there
			if time.Since(began) > restingTakes {
				got = reading{err: errRestless}
				break
			}
			seen, got = got, s.read(ctx)
		}
		if ctx.Err() != nil {
			return
		}
		if !got.is(taken) {
			taken = got
			s.take(got)
		}
		if isAsked {
			isAsked = false
			s.tell(sdnotify.Ready)
		}
	}
}

// patienceAfter is how long to wait after a reading that took so long, and that came after so long a wait.
func patienceAfter(took, before time.Duration) time.Duration {
	if took < readingTakes {
		return reloadEvery
	}
	return min(longestPatience, 2*max(took, before))
}

// hurry ends the wait for the next reading.
func (s *Service) hurry() {
	select {
	case s.early <- struct{}{}:
	default:
	}
}

// take makes a reading the configuration, whole, or refuses it by name.
func (s *Service) take(r reading) {
	err := r.err
	if err == nil {
		err = s.restartNeeded(r.config)
	}
	if err == nil {
		err = s.apply(r.config)
	}
	s.loaded.note(err)
	defer s.page.Nudge()
	if err != nil {
		s.timeline.add(incidentReload, "", "the configuration was refused, and the one before stays")
		s.Logger.Error("the configuration is refused, and the one before stays", "file", s.Path, "err", err.Error())
		return
	}
	s.timeline.add(incidentReload, "", "the configuration was loaded")
}

// restartNeeded names what a reload cannot change.
func (s *Service) restartNeeded(c *config.Config) error {
	var errs []error
	for _, part := range []struct {
		name         string
		before, then any
	}{
		{"redis (but for password_file, and the files of tls)", s.config.Redis.Restart, c.Redis.Restart},
		{"status.listen", s.config.Status.Listen, c.Status.Listen},
		{"status.tls: with or without", s.config.Status.TLS == nil, c.Status.TLS == nil},
		{"tokens.listen", s.config.Tokens.Listen, c.Tokens.Listen},
		{"tokens.tls: with or without", s.config.Tokens.TLS == nil, c.Tokens.TLS == nil},
		{"tokens.hosts", strings.Join(s.config.Tokens.Hosts, " "), strings.Join(c.Tokens.Hosts, " ")},
		{"tokens.socket", s.config.Tokens.Socket, c.Tokens.Socket},
		{"tokens.socket_mode", s.config.Tokens.SocketMode, c.Tokens.SocketMode},
		{"gateway.listen, or whether there is a gateway,", s.config.Gateway.Listen, c.Gateway.Listen},
		{"gateway.tls: with or without", s.config.Gateway.TLS == nil, c.Gateway.TLS == nil},
	} {
		if part.before != part.then {
			errs = append(errs, fmt.Errorf("%s: %s has changed, which needs a restart: restart the service, or change it back", s.Path, part.name))
		}
	}
	return errors.Join(errs...)
}

// loadings is what became of the readings. All methods are safe for concurrent use.
type loadings struct {
	mu  sync.Mutex // guards the rest
	ok  time.Time  // the last good one
	err error      // of the last one; nil: it was good
}

func (l *loadings) note(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err = err; err == nil {
		l.ok = time.Now()
	}
}

func (l *loadings) get() (ok time.Time, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ok, l.err
}
