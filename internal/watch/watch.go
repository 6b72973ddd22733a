// Package watch follows the events of Sources: it logs what a person wants to see, and knows why
// there is no token. Reading order: watch.go, one Source; teller.go, the failures of any number.
package watch

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/onetoken-go/onetoken/tokencache"
)

// Config of a Watch. Logger has to be set; it says whose events these are.
type Config struct {
	Logger *slog.Logger
	// Words are those of an error for people; nil: its own.
	Words func(error) string
	// Meanwhile says what there is while there is no new token, and for how much longer; nil: nothing.
	Meanwhile func() (serves string, remaining time.Duration)
	// Teller logs failures; nil: nobody does.
	Teller *Teller
	// Again is how long the issuer is not asked, 0 if nobody knows. The Teller calls it, and it may take
	// a moment; nil: 0.
	Again func(context.Context) time.Duration
}

// Watch follows the events of a Source. That Redis is silent, answers again or begins to refuse is
// logged by the Cache. All methods are safe for concurrent use; make one with [New].
type Watch struct {
	config Config
	logger atomic.Pointer[slog.Logger]

	mu       sync.Mutex // guards below
	why      error      // the last thing that went wrong; nil after a good fill, or a token if it was the issuer's
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

// New returns a Watch that has seen nothing.
func New(c Config) *Watch {
	if c.Words == nil {
		c.Words = error.Error
	}
	if c.Meanwhile == nil {
		c.Meanwhile = func() (string, time.Duration) { return "", 0 }
	}
	if c.Again == nil {
		c.Again = func(context.Context) time.Duration { return 0 }
	}
	w := &Watch{config: c}
	w.logger.Store(c.Logger)
	return w
}

// Logger returns the one that it logs to.
func (w *Watch) Logger() *slog.Logger { return w.logger.Load() }

// SetLogger has it log there from now on.
func (w *Watch) SetLogger(logger *slog.Logger) { w.logger.Store(logger) }

// Observe takes one event, in the order of the steps. It waits for nobody.
func (w *Watch) Observe(e tokencache.Event) {
	if e.Kind == tokencache.EventAdopt {
		w.Logger().Info("new token", "remaining", e.Remaining.Round(time.Second))
	}
	if w.note(e) {
		w.Logger().Info("redis no longer refuses")
	}
}

// note reports whether Redis takes again what it refused.
func (w *Watch) note(e tokencache.Event) (well bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e.Kind {
	case tokencache.EventCall, tokencache.EventDirectCall:
		if e.Err == nil {
			w.got()
			return false
		}
		w.asked, w.again = true, time.Time{}
		w.failed(e.Err)
	case tokencache.EventAdopt:
		w.got()
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
func (w *Watch) putBack(err error) (well bool) {
	if err != nil {
		w.troubled = true
		return false
	}
	if _, redis := errors.AsType[*tokencache.RedisError](w.why); redis && !isIssuers(w.why) {
		w.why = nil // an earlier try may have failed after the fill, and there is no other until the token is due
	}
	well, w.refused = w.refused, false
	return well
}

// filled is the end of a fill. That Redis takes writes again is shown by one that got a token, or
// that had the lock and called: one that only reads the failure of another shows nothing. The
// caller holds w.mu.
func (w *Watch) filled(err error) (well bool) {
	well = w.refused && !w.troubled && (err == nil || w.asked)
	w.refused = w.refused && !well
	w.troubled = false
	if errors.Is(err, tokencache.ErrClosed) {
		if !w.asked {
			return well
		}
		err = w.why // of a call that was let finish
	}
	if err == nil && isIssuers(w.why) { // it has looked, and left the issuer alone
		w.asked = false
		return well
	}
	w.failed(err)
	refusal, ok := errors.AsType[*tokencache.IssuerError](err)
	if !ok {
		w.asked = false
		return well
	}
	own := w.asked
	w.asked = false
	news := w.hear(kindredOf(refusal), own)
	if !news && !own {
		return well
	}
	w.failure, w.loud = err, w.loud || news
	w.config.Teller.queue(w)
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

// hear takes a failure, and reports whether it is to be told: each once, and one of this process's calls again
// after a while. Every look finds another process's failure again: once is enough. The caller holds
// w.mu.
func (w *Watch) hear(of kindred, own bool) bool {
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

// got notes that the issuer has given a token, to whomever. Nothing else ends its failure: a fill may end well that has
// found it in Redis, and a copy that serves. The caller holds w.mu.
func (w *Watch) got() {
	if isIssuers(w.why) {
		w.why = nil
	}
}

func isIssuers(err error) bool {
	_, ok := errors.AsType[*tokencache.IssuerError](err)
	return ok
}

// failed notes what went wrong; nil: nothing. The caller holds w.mu.
func (w *Watch) failed(why error) {
	if w.why == nil && why != nil {
		w.since = time.Now()
	}
	w.why = why
}

// tellFailure logs a failure with how long the fleet waits after it. That is in Redis, and nothing in
// Observe may ask.
func (w *Watch) tellFailure(ctx context.Context) {
	w.mu.Lock()
	err, loud, untold := w.failure, w.loud, w.untoldOf
	if loud {
		w.loud, w.untoldOf = false, 0
	}
	w.mu.Unlock()
	attrs := []slog.Attr{slog.String("err", w.config.Words(err))}
	if untold > 0 {
		attrs = append(attrs, slog.Int("calls_that_failed_since", untold))
	}
	refusal, _ := errors.AsType[*tokencache.IssuerError](err)
	switch wait := w.config.Again(ctx).Round(time.Millisecond); {
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
	serves, remaining := w.config.Meanwhile()
	attrs = append(attrs, slog.String("meanwhile", serves))
	if remaining > 0 {
		attrs = append(attrs, slog.Duration("token_remaining", remaining.Round(time.Second)))
	}
	w.Logger().LogAttrs(ctx, slog.LevelWarn, "no token from the issuer", attrs...)
}

// Failing returns since when something has gone wrong, and what did last; nil is nothing.
func (w *Watch) Failing() (since time.Time, why error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.since, w.why
}

// RetryIn is how long until the issuer is asked again after a failure of its; 0: there was none, that is not known, or it
// may be asked already.
func (w *Watch) RetryIn() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !isIssuers(w.why) {
		return 0
	}
	return max(0, time.Until(w.again))
}

// WhyNot says in one line why there is no token.
func (w *Watch) WhyNot() string {
	_, why := w.Failing()
	if why == nil {
		return "no token yet"
	}
	text := w.config.Words(why)
	if wait := w.RetryIn(); wait > 0 {
		text += "; the issuer is asked again in " + (wait.Truncate(time.Second) + time.Second).String()
	}
	return text
}
