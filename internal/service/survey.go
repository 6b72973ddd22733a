package service

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/onetoken-go/onetoken/internal/service/vault"
	"github.com/onetoken-go/onetoken/tokencache"
)

// survey asks Redis about each credential, not more than once a second however many ask.
type survey struct {
	mu   sync.Mutex // guards the rest; held while Redis is asked, so that others wait for that answer
	at   time.Time
	seen map[string]tokencache.Status // by name
}

const (
	surveyKept  = time.Second
	surveyTakes = 2 * time.Second
	surveyAtOne = 16 // questions at once
)

// of returns what Redis knows, by name: nothing of a credential if Redis does not answer.
func (v *survey) of(ctx context.Context, entries []*vault.Entry) map[string]tokencache.Status {
	v.mu.Lock()
	defer v.mu.Unlock()
	if time.Since(v.at) < surveyKept {
		return v.seen
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), surveyTakes)
	defer cancel()
	all := make([]tokencache.Status, len(entries))
	group, ctx := errgroup.WithContext(ctx) // the first error ends it: Redis does not answer
	group.SetLimit(surveyAtOne)
	for i, e := range entries {
		group.Go(func() (err error) {
			if all[i], err = e.Status(ctx); errors.Is(err, tokencache.ErrClosed) {
				return nil // a reload has just taken it away
			}
			return err
		})
	}
	_ = group.Wait()
	v.seen, v.at = make(map[string]tokencache.Status, len(entries)), time.Now()
	for i, e := range entries {
		if all[i].ID != "" {
			v.seen[e.Name()] = all[i]
		}
	}
	return v.seen
}
