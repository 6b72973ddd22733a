package main

import (
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

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
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
			w, told := newWatch(slog.New(slog.DiscardHandler)), 0
			for _, e := range c.events {
				if e.Kind == tokencache.EventWait {
					time.Sleep(20 * time.Second)
				}
				w.observe(e)
				if w.loud {
					told++
				}
				w.loud = false
			}
			assert.Equal(t, c.told, told, name)
		})
	}
}

// Whatever trouble lasts, each line says whose it is, what goes wrong, what serves and what to do,
// and none comes more than once a minute.
func TestTroubleThatLastsIsToldOnceAMinute(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault feishutest.Fault
		says  string
	}{
		"refuses":      {feishutest.WrongSecret(), "check FEISHU_APP_ID and FEISHU_APP_SECRET_FILE"},
		"silent":       {feishutest.Timeout(), "no answer before the call was ended: check FEISHU_BASE_URL, the proxy and the firewall"},
		"cuts":         {feishutest.Reset(), "feishu: "},
		"bad gateway":  {feishutest.Status(502), "HTTP 502"},
		"HTML":         {feishutest.HTML(), "check FEISHU_BASE_URL"},
		"rate limited": {feishutest.RateLimited("Retry-After", "2"), "feishu"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			follow(t, "secret", func(t *testing.T, f follower) {
				f.issuer.SetFault(c.fault)
				f.write("a-secret-to-come")
				time.Sleep(10 * time.Minute)
				at := time.Time{}
				for line := range strings.Lines(f.log.String()) {
					if !strings.Contains(line, `msg="no token from the issuer"`) {
						continue
					}
					assert.Contains(t, line, c.says)
					assert.Regexp(t, ` id=feishu:cli_test:[0-9a-f]{32} app=cli_test err=".*" .*meanwhile="the secret that the file held before serves" token_remaining_seconds=\d+`, line)
					told, err := time.Parse(time.RFC3339, strings.TrimPrefix(strings.Fields(line)[0], "time="))
					require.NoError(t, err)
					assert.GreaterOrEqual(t, told.Sub(at), time.Minute, line)
					at = told
				}
				assert.False(t, at.IsZero(), "it is told")
				if name == "refuses" { // its pause is learned with each call, told or not
					_, body := f.get("/readyz")
					assert.Contains(t, body, "the issuer is asked again in ")
				}
			})
		})
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
	stored := tokencache.Event{Kind: tokencache.EventFill, Err: &tokencache.IssuerError{Issuer: "feishu", Message: "of another replica"}}
	w.observe(stored)
	w.observe(stored)
	assert.NotContains(t, log.String(), "no longer", "nothing was written")
	w.observe(fill)
	assert.Contains(t, log.String(), `msg="redis no longer refuses"`)

	w.observe(trouble("OOM", refusal))
	w.observe(fill)
	putBack := tokencache.Event{Kind: tokencache.EventPutBack, Outcome: tokencache.OutcomeStored}
	w.observe(putBack)
	w.observe(putBack)
	assert.Equal(t, 2, strings.Count(log.String(), `msg="redis no longer refuses"`), "a put-back is a write, and no fill follows")
}
