package service

import (
	"context"
	"errors"
	"time"

	"github.com/onetoken-go/onetoken/tokencache"
)

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
func (s *Service) askRedis(ctx context.Context) error {
	for _, e := range s.vault.Entries() {
		_, err := e.Status(ctx)
		return err
	}
	return nil // of no credential there is nothing to ask
}
