package service

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/tokencache"
)

func redisTrouble(trouble tokencache.Trouble) error { return &tokencache.RedisError{Trouble: trouble} }

// Redis is in trouble as long as operations fail or the probe does, and the first cause that says something is kept.
func TestRedisWatchBelievesOperationsAndProbe(t *testing.T) {
	type step struct {
		name    string
		do      func(*redisWatch, *timeline)
		state   string
		trouble tokencache.Trouble
		answers bool
	}
	probe := func(err error) func(*redisWatch, *timeline) {
		return func(w *redisWatch, to *timeline) { w.probed(err, to) }
	}
	event := func(e tokencache.Event, fails bool) func(*redisWatch, *timeline) {
		return func(w *redisWatch, to *timeline) { w.observe(e, fails, to) }
	}
	var w redisWatch
	var to timeline
	for _, s := range []step{
		{"nothing yet", func(*redisWatch, *timeline) {}, "up", "", true},
		{"an answer", probe(nil), "up", "", true},
		{"an error of another's", probe(tokencache.ErrClosed), "up", "", true},
		{"no answer", probe(redisTrouble(tokencache.TroubleUnreachable)), "degraded", "unreachable", false},
		{"and not asked again yet", probe(redisTrouble(tokencache.TroublePaused)), "degraded", "unreachable", false},
		{"an end of waiting says nothing", probe(context.Canceled), "degraded", "unreachable", false},
		{"operations fail, too", event(tokencache.Event{Kind: tokencache.EventDegraded, Trouble: tokencache.TroubleTimeout}, true), "degraded", "timeout", false},
		{"an answer, but operations fail", probe(nil), "degraded", "timeout", true},
		{"operations succeed", event(tokencache.Event{Kind: tokencache.EventFill}, false), "up", "", true},
		{"a refusal", probe(redisTrouble(tokencache.TroubleNoAuth)), "degraded", "NOAUTH", false},
		{"the cache hears an answer", event(tokencache.Event{Kind: tokencache.EventRecovered}, false), "up", "", true},
	} {
		s.do(&w, &to)
		h := w.health(time.Time{})
		assert.Equal(t, s.state, h.State, s.name)
		assert.Equal(t, string(s.trouble), h.Trouble, s.name)
		assert.Equal(t, s.answers, w.answers(), s.name)
	}
	assert.Len(t, to.all(), 4, "each change is told once")
}

func TestProbeAsksEveryFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w redisWatch
		var to timeline
		var asked atomic.Int32
		ctx, stop := context.WithCancel(t.Context())
		go w.probe(ctx, func(context.Context) error {
			if asked.Add(1) < 3 {
				return nil
			}
			return errors.Join(redisTrouble(tokencache.TroubleTimeout))
		}, &to)
		time.Sleep(2*probeEvery + time.Second)
		synctest.Wait()
		assert.EqualValues(t, 2, asked.Load())
		assert.True(t, w.answers())
		time.Sleep(probeEvery)
		synctest.Wait()
		assert.False(t, w.answers())
		stop()
		time.Sleep(time.Hour)
		assert.EqualValues(t, 3, asked.Load())
	})
}
