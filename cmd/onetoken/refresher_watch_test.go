package main

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/tokencache"
)

// A refusal that others met is found at every look, every few seconds for minutes.
func TestWatchTellsAFailureOnce(t *testing.T) {
	t.Parallel()
	refusal := func(logID string) error {
		return &tokencache.IssuerError{Issuer: "feishu", Message: "app secret invalid", LogID: logID}
	}
	call := func(err error) tokencache.Event { return tokencache.Event{Kind: tokencache.EventCall, Err: err} }
	fill := func(err error) tokencache.Event { return tokencache.Event{Kind: tokencache.EventFill, Err: err} }
	for name, c := range map[string]struct {
		events []tokencache.Event
		told   int
	}{
		"good":                       {[]tokencache.Event{call(nil), fill(nil)}, 0},
		"our call":                   {[]tokencache.Event{call(refusal("")), fill(refusal(""))}, 1},
		"each of our calls":          {[]tokencache.Event{call(refusal("")), fill(refusal("")), call(refusal("")), fill(refusal(""))}, 2},
		"our call, repeated by look": {[]tokencache.Event{call(refusal("a")), fill(refusal("a")), fill(refusal("a")), fill(refusal("a"))}, 1},
		"of others":                  {[]tokencache.Event{fill(refusal("a")), fill(refusal("a"))}, 1},
		"two of others":              {[]tokencache.Event{fill(refusal("a")), fill(refusal("b")), fill(refusal("b"))}, 2},
		"redis: the Cache tells":     {[]tokencache.Event{fill(&tokencache.RedisError{Trouble: "OOM"})}, 0},
		"the end":                    {[]tokencache.Event{fill(tokencache.ErrClosed)}, 0},
	} {
		w, told := newWatch(slog.New(slog.DiscardHandler)), 0
		for _, e := range c.events {
			w.observe(e)
			told += len(w.untold)
			if len(w.untold) > 0 {
				<-w.untold
			}
		}
		assert.Equal(t, c.told, told, name)
	}
}

func TestWatchKnowsWhyNot(t *testing.T) {
	t.Parallel()
	w := newWatch(slog.New(slog.DiscardHandler))
	assert.Equal(t, "no token yet", w.whyNot())

	w.observe(tokencache.Event{Kind: tokencache.EventDegraded, Outcome: "timeout", Err: &tokencache.RedisError{Trouble: "timeout"}})
	assert.Contains(t, w.whyNot(), "redis timeout", "before the fill has ended")
	w.observe(tokencache.Event{Kind: tokencache.EventDirectCall, Err: &tokencache.IssuerError{Issuer: "feishu", Message: "no answer"}})
	assert.Equal(t, "feishu: no answer", w.whyNot())

	w.again = time.Now().Add(90 * time.Second)
	assert.Equal(t, "feishu: no answer; the issuer is asked again in 1m30s", w.whyNot())
	w.observe(tokencache.Event{Kind: tokencache.EventFill, Err: tokencache.ErrClosed})
	assert.Contains(t, w.whyNot(), "no answer", "that it ends is no reason")
	w.observe(tokencache.Event{Kind: tokencache.EventFill})
	assert.Equal(t, "no token yet", w.whyNot())
}

func TestWatchTellsWhenRedisNoLongerRefuses(t *testing.T) {
	t.Parallel()
	server := miniredis.RunT(t)
	rdb := redis.NewClient(&redis.Options{Addr: server.Addr()})
	defer rdb.Close()
	server.SetError("OOM command not allowed")
	refusal := rdb.Set(t.Context(), "key", "value", 0).Err()
	require.Error(t, refusal)

	var log output
	w := newWatch(newLogger(&log, "info", "text"))
	trouble := func(name tokencache.Trouble, err error) tokencache.Event {
		return tokencache.Event{Kind: tokencache.EventDegraded, Trouble: name, Err: &tokencache.RedisError{Trouble: name, Err: err}}
	}
	fill := tokencache.Event{Kind: tokencache.EventFill}
	for _, e := range []tokencache.Event{trouble("unreachable", errors.New("refused")), fill, fill} {
		w.observe(e)
	}
	assert.Empty(t, log.String(), "of silence the Cache tells")
	w.observe(trouble("OOM", refusal))
	w.observe(fill)
	w.observe(tokencache.Event{Kind: tokencache.EventPutBack, Err: &tokencache.RedisError{Trouble: "OOM", Err: refusal}})
	w.observe(fill)
	assert.Empty(t, log.String(), "it refuses still")
	w.observe(fill)
	assert.Contains(t, log.String(), `msg="redis no longer refuses"`)
}
