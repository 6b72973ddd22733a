package e2e

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

// Refresh passes a refusal that the fleet remembers: with one call, whose answer the
// fleet remembers in turn.
func TestRefreshUnderARememberedRefusal(t *testing.T) {
	w := newWorld(t, feishutest.Config{})
	w.issuer.SetFault(feishutest.WrongSecret())
	require.Equal(t, 3, w.run("token").code)
	require.Equal(t, 3, w.run("token").code)
	require.Equal(t, 1, w.issuer.Stats().Refused)

	r := w.run("refresh")
	assert.Equal(t, 3, r.code)
	assert.Empty(t, r.stdout)
	assert.Contains(t, r.stderr, "10014")
	assert.Equal(t, 2, w.issuer.Stats().Refused, "one call")
	assert.Equal(t, 3, w.run("token").code)
	assert.Equal(t, 2, w.issuer.Stats().Refused)

	w.issuer.SetFault(feishutest.Fault{})
	r = w.run("refresh")
	assert.Zero(t, r.code, r.stderr)
	assert.Regexp(t, `^the issuer gave a new token: \S+ left, fresh\n$`, r.stdout)
	w.tokens(w.many(3, "token"))
	assert.Equal(t, 1, w.issuer.Stats().Calls)
	assert.Equal(t, 2, w.issuer.Stats().Refused)
	assertNone(t, r.stdout+r.stderr, secret, w.issuer.Pairs()[0].App, w.issuer.Pairs()[0].Tenant)
}

// A fleet that finds its token refused drops it once, and asks once.
func TestTwentyInvalidateAtOnce(t *testing.T) {
	const many = 20
	w := newWorld(t, feishutest.Config{Latency: 200 * time.Millisecond})
	bad := w.tokens(w.many(1, "token", "--kind", "tenant"))
	require.True(t, w.issuer.Revoke(bad))

	results := make([]result, many)
	var wg sync.WaitGroup
	for i := range results {
		wg.Go(func() { results[i] = w.saying(bad+"\n", "invalidate", "-") })
	}
	wg.Wait()
	dropped := 0
	for _, r := range results {
		assert.Zero(t, r.code, r.stderr)
		assert.Empty(t, r.stderr)
		assertNone(t, r.stdout, bad, secret)
		if strings.HasPrefix(r.stdout, "dropped: ") {
			dropped++
		}
	}
	assert.Equal(t, 1, dropped, "the others had nothing to do")
	assert.Equal(t, 1, w.issuer.Stats().Calls, "none of them asks")
	assert.Empty(t, w.keys("token"))

	good := w.tokens(w.many(many, "token", "--kind", "tenant"))
	assert.NotEqual(t, bad, good)
	assert.Equal(t, 2, w.issuer.Stats().Calls, "one call for all")

	assert.Contains(t, w.saying(bad, "invalidate", "-").stdout, "nothing to do", "old news")
	assert.Equal(t, good, w.tokens(w.many(1, "token", "--kind", "tenant")))
	assert.Equal(t, 2, w.issuer.Stats().Calls)
}

// Status is a health check, and tells by itself what is wrong.
func TestStatusAsAHealthCheck(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, feishutest.Config{})
	check := func(code int, says string) {
		t.Helper()
		r := w.run("status", "--json", "--log-level", "debug")
		assert.Equal(t, code, r.code)
		assert.Contains(t, r.stderr, says)
		if r.stdout != "" {
			assert.True(t, json.Valid([]byte(r.stdout)), r.stdout)
		}
		for _, pair := range w.issuer.Pairs() {
			assertNone(t, r.stdout+r.stderr, pair.App, pair.Tenant, secret)
		}
	}
	check(1, "none is stored")
	w.tokens(w.many(1, "token"))
	check(0, "")
	key, c := w.tokenKey(), w.client()
	require.NoError(t, c.HSet(ctx, key, "sealed", "garbled").Err())
	check(1, "checksum does not match")
	require.NoError(t, c.Del(ctx, key).Err())
	require.NoError(t, c.RPush(ctx, key, "theirs").Err())
	check(1, "WRONGTYPE")
	w.redis.Exec("CONFIG", "SET", "requirepass", "p4ss")
	check(1, "NOAUTH")
	w.redis.Kill()
	check(1, "unreachable")
	assert.Equal(t, 1, w.issuer.Stats().Calls)
}

// saying runs a process with something on its standard input.
func (w *world) saying(stdin string, args ...string) result {
	cmd, stdout, stderr := w.command(args...)
	cmd.Stdin = strings.NewReader(stdin)
	return w.await(cmd, stdout, stderr)
}
