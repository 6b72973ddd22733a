package watch

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/tokencache"
)

// A refusal that others met is found at every look, every few seconds for minutes, and one that
// may pass is asked for every second at first: each is told once, and one of our own again after
// a minute.
func TestWatchTellsAFailureOnce(t *testing.T) {
	t.Parallel()
	refusal := func(message, logID string) error {
		return &tokencache.IssuerError{Issuer: "feishu", Message: message, LogID: logID}
	}
	call := func(err error) tokencache.Event { return tokencache.Event{Kind: tokencache.EventCall, Err: err} }
	fill := func(err error) tokencache.Event { return tokencache.Event{Kind: tokencache.EventFill, Err: err} }
	later := tokencache.Event{Kind: tokencache.EventWait} // 20 s
	for name, c := range map[string]struct {
		events []tokencache.Event
		told   int
	}{
		"good":                       {[]tokencache.Event{call(nil), fill(nil)}, 0},
		"our call":                   {[]tokencache.Event{call(refusal("a", "")), fill(refusal("a", ""))}, 1},
		"each of our calls":          {[]tokencache.Event{call(refusal("a", "1")), fill(refusal("a", "1")), call(refusal("a", "2")), fill(refusal("a", "2"))}, 1},
		"ours, of two kinds":         {[]tokencache.Event{call(refusal("a", "")), fill(refusal("a", "")), call(refusal("b", "")), fill(refusal("b", ""))}, 2},
		"ours, a minute later":       {[]tokencache.Event{call(refusal("a", "")), fill(refusal("a", "")), later, later, later, call(refusal("a", "")), fill(refusal("a", ""))}, 2},
		"our call, repeated by look": {[]tokencache.Event{call(refusal("a", "")), fill(refusal("a", "")), later, later, later, fill(refusal("a", "")), fill(refusal("a", ""))}, 1},
		"of others":                  {[]tokencache.Event{fill(refusal("a", "")), later, later, later, later, fill(refusal("a", ""))}, 1},
		"two of others":              {[]tokencache.Event{fill(refusal("a", "")), fill(refusal("b", "")), fill(refusal("b", ""))}, 2},
		"redis: the Cache tells":     {[]tokencache.Event{fill(&tokencache.RedisError{Trouble: "OOM"})}, 0},
		"the end":                    {[]tokencache.Event{fill(tokencache.ErrClosed)}, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			w, told := New(Config{Logger: slog.New(slog.DiscardHandler)}), 0
			for _, e := range c.events {
				if e.Kind == tokencache.EventWait {
					time.Sleep(20 * time.Second)
				}
				w.Observe(e)
				if w.loud {
					told++
				}
				w.loud = false
			}
			assert.Equal(t, c.told, told, name)
		})
	}
}

func TestWatchKnowsWhyNot(t *testing.T) {
	t.Parallel()
	w := New(Config{Logger: slog.New(slog.DiscardHandler)})
	assert.Equal(t, "no token yet", w.WhyNot())

	w.Observe(tokencache.Event{Kind: tokencache.EventDegraded, Outcome: "timeout", Err: &tokencache.RedisError{Trouble: "timeout"}})
	assert.Contains(t, w.WhyNot(), "redis timeout", "before the fill has ended")
	w.Observe(tokencache.Event{Kind: tokencache.EventDirectCall, Err: &tokencache.IssuerError{Issuer: "feishu", Message: "no answer"}})
	assert.Equal(t, "feishu: no answer", w.WhyNot())

	w.again = time.Now().Add(90 * time.Second)
	assert.Equal(t, "feishu: no answer; the issuer is asked again in 1m30s", w.WhyNot())
	assert.LessOrEqual(t, w.RetryIn(), 90*time.Second)
	assert.Positive(t, w.RetryIn())
	w.Observe(tokencache.Event{Kind: tokencache.EventFill, Err: tokencache.ErrClosed})
	assert.Contains(t, w.WhyNot(), "no answer", "that it ends is no reason")
	w.Observe(tokencache.Event{Kind: tokencache.EventAdopt})
	assert.Equal(t, "no token yet", w.WhyNot())
	assert.Zero(t, w.RetryIn(), "nor is anything tried again")

	w.Observe(tokencache.Event{Kind: tokencache.EventDegraded, Trouble: "timeout", Err: &tokencache.RedisError{Trouble: "timeout"}})
	w.Observe(tokencache.Event{Kind: tokencache.EventFill})
	assert.Equal(t, "no token yet", w.WhyNot(), "a look is all that Redis has to do")
}

// An issuer's failure lasts until there is a token: fills end well meanwhile that have found the failure in Redis, and a
// copy that serves.
func TestWatchDoesNotTakeALookForAToken(t *testing.T) {
	t.Parallel()
	failure := &tokencache.IssuerError{Issuer: "feishu", Message: "no answer"}
	for name, end := range map[string]tokencache.Event{
		"another's token":                    {Kind: tokencache.EventAdopt},
		"our call, though of the same token": {Kind: tokencache.EventCall, Outcome: tokencache.OutcomeOK},
		"our call around Redis":              {Kind: tokencache.EventDirectCall, Outcome: tokencache.OutcomeOK},
	} {
		w := New(Config{Logger: slog.New(slog.DiscardHandler)})
		w.Observe(tokencache.Event{Kind: tokencache.EventCall, Err: failure})
		w.Observe(tokencache.Event{Kind: tokencache.EventFill, Err: failure})
		w.Observe(tokencache.Event{Kind: tokencache.EventFill})
		_, why := w.Failing()
		assert.Equal(t, failure, why, "%s: a look alone", name)
		w.Observe(end)
		_, why = w.Failing()
		assert.NoError(t, why, name)
		w.Observe(tokencache.Event{Kind: tokencache.EventFill})
		_, why = w.Failing()
		assert.NoError(t, why, name)
	}
}

// A put-back that fails comes after the fill that has brought the token, and the next fill may be hours away.
func TestWatchIsWellAfterAPutBack(t *testing.T) {
	t.Parallel()
	refusal := &tokencache.RedisError{Trouble: "READONLY"}
	w := New(Config{Logger: slog.New(slog.DiscardHandler)})
	w.Observe(tokencache.Event{Kind: tokencache.EventDegraded, Trouble: "READONLY", Err: refusal})
	w.Observe(tokencache.Event{Kind: tokencache.EventDirectCall, Outcome: tokencache.OutcomeOK})
	w.Observe(tokencache.Event{Kind: tokencache.EventAdopt})
	w.Observe(tokencache.Event{Kind: tokencache.EventFill})
	w.Observe(tokencache.Event{Kind: tokencache.EventDegraded, Trouble: "READONLY", Err: refusal})
	_, why := w.Failing()
	assert.Equal(t, refusal, why)
	w.Observe(tokencache.Event{Kind: tokencache.EventPutBack, Outcome: tokencache.OutcomeStored})
	_, why = w.Failing()
	assert.NoError(t, why)

	failure := &tokencache.IssuerError{Issuer: "feishu", Message: "no answer"}
	w.Observe(tokencache.Event{Kind: tokencache.EventCall, Err: failure})
	w.Observe(tokencache.Event{Kind: tokencache.EventPutBack, Outcome: tokencache.OutcomeStored})
	_, why = w.Failing()
	assert.Equal(t, failure, why, "which Redis cannot mend")
}

func TestWatchTellsWhenRedisNoLongerRefuses(t *testing.T) {
	t.Parallel()
	server := miniredis.RunT(t)
	rdb := redis.NewClient(&redis.Options{Addr: server.Addr()})
	defer rdb.Close()
	server.SetError("OOM command not allowed")
	refusal := rdb.Set(t.Context(), "key", "value", 0).Err()
	require.Error(t, refusal)

	var log bytes.Buffer
	w := New(Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	trouble := func(name tokencache.Trouble, err error) tokencache.Event {
		return tokencache.Event{Kind: tokencache.EventDegraded, Trouble: name, Err: &tokencache.RedisError{Trouble: name, Err: err}}
	}
	fill := tokencache.Event{Kind: tokencache.EventFill}
	for _, e := range []tokencache.Event{trouble("unreachable", errors.New("refused")), fill, fill} {
		w.Observe(e)
	}
	assert.Empty(t, log.String(), "of silence the Cache tells")
	w.Observe(trouble("OOM", refusal))
	w.Observe(fill)
	w.Observe(tokencache.Event{Kind: tokencache.EventPutBack, Err: &tokencache.RedisError{Trouble: "OOM", Err: refusal}})
	w.Observe(fill)
	assert.Empty(t, log.String(), "it refuses still")
	stored := tokencache.Event{Kind: tokencache.EventFill, Err: &tokencache.IssuerError{Issuer: "feishu", Message: "of another replica"}}
	w.Observe(stored)
	w.Observe(stored)
	assert.NotContains(t, log.String(), "no longer", "nothing was written")
	w.Observe(fill)
	assert.Contains(t, log.String(), `msg="redis no longer refuses"`)

	w.Observe(trouble("OOM", refusal))
	w.Observe(fill)
	putBack := tokencache.Event{Kind: tokencache.EventPutBack, Outcome: tokencache.OutcomeStored}
	w.Observe(putBack)
	w.Observe(putBack)
	assert.Equal(t, 2, strings.Count(log.String(), `msg="redis no longer refuses"`), "a put-back is a write, and no fill follows")
}
