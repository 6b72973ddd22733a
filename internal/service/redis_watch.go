package service

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/onetoken-go/onetoken/internal/statusjson"
	"github.com/onetoken-go/onetoken/tokencache"
)

// redisHealth is whether Redis takes part.
type redisHealth struct {
	State   string    `json:"state"` // up or degraded
	Since   time.Time `json:"since"`
	Trouble string    `json:"trouble"` // "" if it is up
	Advice  string    `json:"advice"`  // what to do about it; "" if it is up
}

// redisWatch follows whether Redis takes part: by what becomes of operations, and, as there are none while all
// tokens are fresh, by a probe. All methods are safe for concurrent use.
type redisWatch struct {
	mu      sync.Mutex // guards the rest
	since   time.Time
	trouble string
	fails   bool // operations do
	mute    bool // the probe was not answered, or by a refusal
	is      bool // degraded: one of these
}

// observe takes an event of the Cache, and whether operations fail.
func (w *redisWatch) observe(e tokencache.Event, fails bool, to *timeline) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if e.Kind == tokencache.EventDegraded && fails {
		w.note(e.Trouble)
	}
	if e.Kind == tokencache.EventRecovered {
		w.mute = false
	}
	w.fails = fails
	w.judge(to)
}

// note keeps what is wrong: that Redis is not asked again yet says less than why. The caller holds w.mu.
func (w *redisWatch) note(trouble tokencache.Trouble) {
	if w.trouble == "" || trouble != tokencache.TroublePaused {
		w.trouble = string(trouble)
	}
}

// judge is called with w.mu held.
func (w *redisWatch) judge(to *timeline) {
	is := w.fails || w.mute
	if is == w.is {
		return
	}
	w.is, w.since = is, time.Now()
	if is {
		to.add(incidentRedis, "", "redis is in trouble: "+w.trouble)
		return
	}
	w.trouble = ""
	to.add(incidentRedis, "", "redis takes part again")
}

func (w *redisWatch) health(started time.Time) redisHealth {
	w.mu.Lock()
	defer w.mu.Unlock()
	h := redisHealth{State: statusjson.RedisUp, Since: w.since.UTC(), Trouble: w.trouble}
	if w.since.IsZero() {
		h.Since = started.UTC()
	}
	if w.is {
		h.State, h.Advice = statusjson.RedisDegraded, tokencache.Trouble(w.trouble).Advice()
	}
	return h
}

// probeEvery is how often Redis is asked whether it answers. A person wants to know before a token is due.
const probeEvery = 5 * time.Second

// probe asks until ctx ends.
func (w *redisWatch) probe(ctx context.Context, ask func(context.Context) error, to *timeline) {
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			w.probed(ask(ctx), to)
		}
	}
}

// probed takes the answer. An error that is none of Redis' says nothing of it.
func (w *redisWatch) probed(err error, to *timeline) {
	trouble, is := errors.AsType[*tokencache.RedisError](err)
	if err != nil && !is {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.mute = is; is {
		w.note(trouble.Trouble)
	}
	w.judge(to)
}

// answers reports whether Redis did when it was asked last.
func (w *redisWatch) answers() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.mute
}

// askRedis looks up one credential, by the way that fills go: a round trip. If nobody answers, the Cache learns of it,
// too, and asks by itself until somebody does.
//
// It cannot tell whether a Redis that refused writes, being out of memory, takes them again: a look writes nothing, and
// succeeds all the time. A write that changes nothing would tell, such as SET with XX of a key that there is not. But
// Redis would count as well then while tokens that were got around it are not there, and nobody else can read them. That
// they are is what the Cache finds out when it puts them back, which it tries 30 s apart at most: so long it may take.
func (s *Service) askRedis(ctx context.Context) error {
	all := s.vault.Entries()
	if len(all) == 0 {
		return nil // of no credential there is nothing to ask
	}
	_, err := all[0].Status(ctx)
	return err
}
