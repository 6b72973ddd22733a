//go:build unix

package chaos

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/onetoken-go/onetoken/tokencache"
)

// watch keeps looking at the token in Redis, past all proxies.
type watch struct {
	fleet *fleet
	rdb   *redis.Client
	key   string // of the credential
}

func newWatch(f *fleet) *watch {
	rdb := f.redis.Client(f.t, func(o *redis.Options) {
		o.MaxRetries, o.DialTimeout, o.ReadTimeout = -1, gapless, gapless
	})
	cache, err := tokencache.New(rdb, tokencache.Config{})
	if err != nil {
		f.t.Fatal(err)
	}
	feishu, err := f.assignment(0).fetcher()
	if err != nil {
		f.t.Fatal(err)
	}
	return &watch{fleet: f, rdb: rdb, key: cache.Source(feishu).ID()}
}

func (w *watch) name(of string) string { return "onetoken:{" + w.key + "}:" + of }

func (w *watch) run(stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(lookEvery):
			w.note(w.look())
		}
	}
}

// look is counted from before the question to after the answer. A record that is there
// for less than the next gap is not to be relied on, hence the TTL.
func (w *watch) look() stored {
	s := stored{period: period{From: w.fleet.now()}}
	ctx, cancel := context.WithTimeout(context.Background(), gapless)
	defer cancel()
	fingerprint, err := w.rdb.HGet(ctx, w.name("token"), "fingerprint").Result()
	s.To = w.fleet.now()
	s.Known = err == nil || errors.Is(err, redis.Nil)
	if err == nil {
		s.Token = fingerprint[:min(12, len(fingerprint))]
	}
	return s
}

// note lengthens what is known already, or adds to it.
func (w *watch) note(s stored) {
	w.fleet.mu.Lock()
	defer w.fleet.mu.Unlock()
	all := w.fleet.history.Stored
	if n := len(all) - 1; n >= 0 && all[n].Token == s.Token && all[n].Known == s.Known && s.To-all[n].To < gapless {
		all[n].To = s.To
		return
	}
	w.fleet.history.Stored = append(all, s)
}

// locked reports whether somebody may have the lock.
func (w *watch) locked() bool {
	n, err := w.rdb.Exists(context.Background(), w.name("lock")).Result()
	return err != nil || n > 0
}
