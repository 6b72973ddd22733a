package service

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/internal/redistest"
)

// kennel is a watchdog of a minute in a bubble.
type kennel struct {
	log redistest.Output

	mu      sync.Mutex // guards below
	how     string     // the process stands still
	err     error      // of telling
	answers int
}

func inKennel(t *testing.T, play func(*testing.T, *kennel)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		k := &kennel{}
		w := watchdog{within: time.Minute, standsStill: k.standsStill, alive: k.alive, logger: slog.New(slog.NewTextHandler(&k.log, nil))}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			w.run(ctx)
		}()
		synctest.Wait()
		play(t, k)
		stop()
		<-ended
	})
}

func (k *kennel) standsStill() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.how
}

func (k *kennel) alive() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.answers++
	return k.err
}

// set is what the watchdog meets from now on.
func (k *kennel) set(how string, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.how, k.err = how, err
}

func (k *kennel) answered() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.answers
}

// pass lets time go by, and whatever is due in it happen.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestTheWatchdogIsAnsweredTwiceInItsTime(t *testing.T) {
	inKennel(t, func(t *testing.T, k *kennel) {
		assert.Equal(t, 1, k.answered(), "at once")
		pass(10 * time.Minute)
		assert.Equal(t, 21, k.answered())
		assert.Empty(t, k.log.String())
	})
}

func TestTheWatchdogOfAProcessThatStandsStill(t *testing.T) {
	inKennel(t, func(t *testing.T, k *kennel) {
		const how = "the cache has told of nothing for 1m0s"
		k.set(how, nil)
		pass(10 * time.Minute)
		assert.Equal(t, 1, k.answered(), "none any more")
		assert.Equal(t, 1, strings.Count(k.log.String(), "level=ERROR"), "%s", &k.log)
		assert.Contains(t, k.log.String(), how)

		k.set("", nil) // a host that slept
		pass(time.Minute)
		assert.Equal(t, 3, k.answered())
	})
}

func TestTheWatchdogOfAManagerThatIsGone(t *testing.T) {
	inKennel(t, func(t *testing.T, k *kennel) {
		k.set("", errors.New("nobody listens"))
		pass(time.Minute)
		assert.Equal(t, 3, k.answered(), "it goes on")
		assert.Contains(t, k.log.String(), "nobody listens")
	})
}
