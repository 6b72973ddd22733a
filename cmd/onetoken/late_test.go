package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/witness"
	"github.com/onetoken-go/onetoken/tokencache"
)

// Why there was no token in time is known when the call has ended.
func TestLateToken(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	issuer := feishutest.New(feishutest.Config{AppID: "cli_test", AppSecret: testSecret, Latency: 1100 * time.Millisecond})
	issuer.SetFault(feishutest.Refusal(5000, "internal error"))
	web := httptest.NewServer(issuer)
	defer web.Close()
	w := town.with("FEISHU_BASE_URL", web.URL)
	got := w.run(t, "token", "--timeout", "1s")
	assert.Equal(t, exitFailed, got.code)
	assert.Regexp(t, `^onetoken: no token within 1s: feishu refused: internal error \(code 5000, log id \w+\): try again in a moment\n$`, got.stderr)
}

func TestWhyItWasLate(t *testing.T) {
	t.Parallel()
	late := &lateError{3 * time.Second, context.DeadlineExceeded}
	down := &tokencache.RedisError{Trouble: "unreachable"}
	silent := &tokencache.IssuerError{Issuer: "feishu", Message: "no answer"}
	redis := tokencache.Event{Kind: tokencache.EventDegraded, Err: down}
	for name, c := range map[string]struct {
		events []tokencache.Event
		want   string
	}{
		"nothing known":         {nil, "no token within 3s: context deadline exceeded"},
		"a call that went well": {[]tokencache.Event{{Kind: tokencache.EventCall}}, "no token within 3s: the issuer's answer came later, and all have it now: see onetoken status"},
		"a direct one that did": {[]tokencache.Event{redis, {Kind: tokencache.EventDirectCall}}, "no token within 3s: the issuer's answer came later: raise --timeout"},
		"the last call counts": {
			[]tokencache.Event{{Kind: tokencache.EventCall, Err: errors.New("x")}, {Kind: tokencache.EventCall, Err: silent}},
			"no token within 3s: feishu: no answer",
		},
		"redis alone": {[]tokencache.Event{redis}, "no token within 3s: " + down.Error()},
		"both":        {[]tokencache.Event{redis, {Kind: tokencache.EventDirectCall, Err: silent}}, "no token within 3s: feishu: no answer (asked directly, because of " + down.Error() + ")"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen := witness.New(slog.New(slog.DiscardHandler))
			for _, e := range c.events {
				seen.Observe(e)
			}
			assert.EqualError(t, explained(late, seen.Seen(), nil), c.want)
		})
	}
	seen := witness.New(slog.New(slog.DiscardHandler))
	seen.Observe(tokencache.Event{Kind: tokencache.EventCall, Err: silent})
	other := errors.New("interrupted")
	assert.Equal(t, other, explained(other, seen.Seen(), nil), "only what was late")
	known := &lateError{3 * time.Second, &tokencache.IssuerError{Issuer: "feishu", Message: "another"}}
	assert.Equal(t, known, explained(known, seen.Seen(), nil), "it has its reason")
}

// Who interrupts and has to wait is told at once, and how not to.
func TestInterruptedDuringACall(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	ctx, interrupt := context.WithCancel(t.Context())
	issuer := feishutest.New(feishutest.Config{
		AppID: "cli_test", AppSecret: testSecret, Latency: time.Second, OnRequest: interrupt,
	})
	web := httptest.NewServer(issuer)
	defer web.Close()
	w := town.with("FEISHU_BASE_URL", web.URL)
	var stdout, stderr output
	done := make(chan int, 1)
	go func() {
		done <- run(ctx, []string{"token"}, func(name string) string { return w.env[name] }, strings.NewReader(""), &stdout, &stderr)
	}()
	const says = "onetoken: interrupted: finishing a call under way for the others; press again to stop at once\n"
	eventually(t, func() bool { return stderr.String() != "" })
	assert.Equal(t, says, stderr.String())
	assert.Empty(t, issuer.Calls(), "the call goes on")
	assert.Equal(t, exitFailed, <-done)
	assert.Equal(t, says+"onetoken: interrupted before there was a token\n", stderr.String())
	assert.Len(t, issuer.Calls(), 1)
}

// Whoever stops waiting leaves the token behind for the others.
func TestCallIsPublishedBeforeTheExit(t *testing.T) {
	t.Parallel()
	for name, stop := range map[string]struct {
		args []string
		ctx  func(context.Context, <-chan struct{}) context.Context
		says string
	}{
		"timeout": {
			args: []string{"--timeout", "30ms"},
			ctx:  func(ctx context.Context, _ <-chan struct{}) context.Context { return ctx },
			says: "no token within 30ms",
		},
		"signal": {
			ctx: func(ctx context.Context, asked <-chan struct{}) context.Context {
				ctx, stop := context.WithCancel(ctx)
				go func() { <-asked; stop() }()
				return ctx
			},
			says: "interrupted",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			town := newTown(t)
			asked := make(chan struct{}, 1)
			issuer := feishutest.New(feishutest.Config{
				AppID: "cli_test", AppSecret: testSecret, Latency: 100 * time.Millisecond,
				OnRequest: func() { asked <- struct{}{} },
			})
			web := httptest.NewServer(issuer)
			defer web.Close()
			w := town.with("FEISHU_BASE_URL", web.URL)

			got := w.runUntil(t, stop.ctx(t.Context(), asked), append([]string{"token"}, stop.args...)...)
			assert.Equal(t, exitFailed, got.code)
			assert.Empty(t, got.stdout)
			assert.Contains(t, got.stderr, stop.says)

			got = w.run(t, "token")
			assert.Equal(t, exitOK, got.code, got.stderr)
			assert.Equal(t, 1, issuer.Stats().Calls, "the second one found it in redis")
		})
	}
}
