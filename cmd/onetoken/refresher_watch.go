package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/onetoken-go/onetoken/internal/witness"
	"github.com/onetoken-go/onetoken/tokencache"
)

// watch follows the events of a Source: it logs what a person wants to
// see, and knows why there is no token. That Redis is silent, answers again or
// begins to refuse is logged by the Cache.
type watch struct {
	logger    *slog.Logger
	words     func(error) string                              // for people
	meanwhile func() (serves string, remaining time.Duration) // what there is while there is no new token
	untold    chan struct{}                                   // there is a failure to look at

	mu       sync.Mutex // guards below
	why      error      // the last thing that went wrong; nil after a good fill
	since    time.Time  // when the first did, since all was well
	again    time.Time  // when the issuer is asked again; zero: not known
	asked    bool       // a call of this process failed in the fill that runs
	failure  error      // the last of the issuer's, whose pause is to be learned
	loud     bool       // and logged
	heard    kindred    // of the last one that was told, or is to be
	told     time.Time  // when
	untoldOf int        // calls of this process since then that failed the same way
	troubled bool       // with Redis, since the last fill ended
	refused  bool       // by Redis, and not well since
}

func newWatch(logger *slog.Logger) *watch {
	return &watch{
		logger: logger, words: error.Error, untold: make(chan struct{}, 1),
		meanwhile: func() (string, time.Duration) { return "", 0 },
	}
}

func (w *watch) observe(e tokencache.Event) {
	if e.Kind == tokencache.EventAdopt {
		w.logger.Info("new token", "remaining", e.Remaining.Round(time.Second))
	}
	if w.note(e) {
		w.logger.Info("redis no longer refuses")
	}
}

// note reports whether Redis takes again what it refused.
func (w *watch) note(e tokencache.Event) (well bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e.Kind {
	case tokencache.EventCall, tokencache.EventDirectCall:
		if e.Err != nil {
			w.asked, w.again = true, time.Time{}
			w.failed(e.Err)
		}
	case tokencache.EventPutBack:
		return w.putBack(e.Err)
	case tokencache.EventDegraded:
		_, answered := errors.AsType[redis.Error](e.Err)
		w.troubled, w.refused = true, w.refused || answered
		w.failed(e.Err)
	case tokencache.EventFill:
		return w.filled(e.Err)
	}
	return false
}

// putBack is the end of a write that is no fill's. The caller holds w.mu.
func (w *watch) putBack(err error) (well bool) {
	if err != nil {
		w.troubled = true
		return false
	}
	well, w.refused = w.refused, false
	return well
}

// filled is the end of a fill. That Redis takes writes again is shown by one that got a token, or
// that had the lock and called: one that only reads the failure of another shows nothing. The
// caller holds w.mu.
func (w *watch) filled(err error) (well bool) {
	well = w.refused && !w.troubled && (err == nil || w.asked)
	w.refused = w.refused && !well
	w.troubled = false
	if errors.Is(err, tokencache.ErrClosed) {
		if !w.asked {
			return well
		}
		err = w.why // of a call that was let finish
	}
	w.failed(err)
	refusal, ok := errors.AsType[*tokencache.IssuerError](err)
	if !ok {
		w.asked = false
		return well
	}
	own := w.asked
	w.asked = false
	news := w.isNews(kindredOf(refusal), own)
	if !news && !own {
		return well
	}
	w.failure, w.loud = err, w.loud || news
	select {
	case w.untold <- struct{}{}:
	default: // the one before is still untold, and this one is told instead
	}
	return well
}

// reminder is how often a failure is told again that lasts: the issuer is asked every second at
// first.
const reminder = time.Minute

// kindred is what failures have in common that a person takes for the same: not the log id.
type kindred struct {
	issuer, message string
	code, status    int
	class           tokencache.Class
}

func kindredOf(e *tokencache.IssuerError) kindred {
	return kindred{e.Issuer, e.Message, e.Code, e.Status, e.Class}
}

// isNews reports whether a failure is to be told: each once, and one of this process's calls again
// after a while. What another process met is there at every look: once is enough. The caller holds
// w.mu.
func (w *watch) isNews(of kindred, own bool) bool {
	if of == w.heard && (!own || time.Since(w.told) < reminder) {
		if own {
			w.untoldOf++
		}
		return false
	}
	if of != w.heard {
		w.untoldOf = 0
	}
	w.heard, w.told = of, time.Now()
	return true
}

// failed notes what went wrong; nil: nothing. The caller holds w.mu.
func (w *watch) failed(why error) {
	if w.why == nil && why != nil {
		w.since = time.Now()
	}
	w.why = why
}

// tellFailures logs failures until stop is closed, each with how long the fleet waits
// after it. That is in Redis, and nothing in observe may ask.
func (w *watch) tellFailures(ctx context.Context, stop <-chan struct{}, source *tokencache.Source) {
	for {
		select {
		case <-w.untold:
			w.tellFailure(ctx, source)
		case <-stop:
			select {
			case <-w.untold: // of a call that was the last thing to end
				w.tellFailure(ctx, source)
			default:
			}
			return
		}
	}
}

func (w *watch) tellFailure(ctx context.Context, source *tokencache.Source) {
	w.mu.Lock()
	err, loud, untold := w.failure, w.loud, w.untoldOf
	if loud {
		w.loud, w.untoldOf = false, 0
	}
	w.mu.Unlock()
	attrs := []slog.Attr{slog.String("err", w.words(err))}
	if untold > 0 {
		attrs = append(attrs, slog.Int("calls_that_failed_since", untold))
	}
	refusal, _ := errors.AsType[*tokencache.IssuerError](err)
	switch wait := witness.AskedAgainIn(ctx, source).Round(time.Millisecond); {
	case wait == 0:
	case refusal.Local: // maybe this process's own trouble: it waits longer than others
		attrs = append(attrs, slog.Duration("others_wait", wait))
	default:
		w.mu.Lock()
		w.again = time.Now().Add(wait)
		w.mu.Unlock()
		attrs = append(attrs, slog.Duration("asked_again_in", wait))
	}
	if !loud {
		return
	}
	serves, remaining := w.meanwhile()
	attrs = append(attrs, slog.String("meanwhile", serves))
	if remaining > 0 {
		attrs = append(attrs, slog.Duration("token_remaining", remaining.Round(time.Second)))
	}
	w.logger.LogAttrs(ctx, slog.LevelWarn, "no token from the issuer", attrs...)
}

// failing returns since when something has gone wrong, and what did last; nil is nothing.
func (w *watch) failing() (since time.Time, why error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.since, w.why
}

// whyNot says in one line why there is no token.
func (w *watch) whyNot() string {
	w.mu.Lock()
	why, again := w.why, w.again
	w.mu.Unlock()
	if why == nil {
		return "no token yet"
	}
	text := w.words(why)
	if _, ok := errors.AsType[*tokencache.IssuerError](why); !ok {
		return text
	}
	if wait := time.Until(again); wait > 0 {
		text += "; the issuer is asked again in " + (wait.Truncate(time.Second) + time.Second).String()
	}
	return text
}
