package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/oauth2test"
	"github.com/onetoken-go/onetoken/internal/redistest"
)

// login is `onetoken issuer --kind oauth2`.
type login struct{ *process }

const clientID = "client:e2e"

// newOAuth2World has every command be about a client of a login.
func newOAuth2World(t *testing.T) (*world, login) {
	t.Helper()
	t.Parallel()
	w := &world{t: t, redis: redistest.StartServer(t)}
	w.env = map[string]string{
		"REDIS_URL": w.redis.URL(), "ONETOKEN_KIND": "oauth2", "OAUTH2_CLIENT_ID": clientID, "OAUTH2_CLIENT_SECRET": secret, "OAUTH2_SCOPES": "read",
	}
	l := login{w.listening("issuer", "--kind", "oauth2", "--listen", "127.0.0.1:0", "--scopes", "read write", "--latency", "100ms", "--log-level", "debug")}
	w.env["OAUTH2_TOKEN_URL"] = l.at + oauth2test.TokenPath
	return w, l
}

func (l login) stats() (s oauth2test.Stats) {
	l.t.Helper()
	_, body := l.get(oauth2test.StatsPath)
	require.NoError(l.t, json.Unmarshal([]byte(body), &s))
	return s
}

// takes is the status with which the API answers a token.
func (l login) takes(token, scope string) int {
	status, _ := l.ask(http.MethodPost, oauth2test.APIPath+"?scope="+scope, token)
	return status
}

// A fleet of processes, with a refresher in it, shares the token of an OAuth 2 client as it does an app's:
// one call for each rotation, and one for each rejection. None shows secret or token.
func TestOAuth2Fleet(t *testing.T) {
	w, l := newOAuth2World(t)
	var shown strings.Builder
	run := func(code int, stdin string, args ...string) result {
		t.Helper()
		r := w.saying(stdin, append(args, "--log-level", "debug")...)
		assert.Equal(t, code, r.code, "%v: %s", args, r.stderr)
		shown.WriteString(r.stderr)
		if args[0] != "token" || code != 0 {
			shown.WriteString(r.stdout)
		}
		return r
	}
	token := func() string {
		t.Helper()
		return strings.TrimSuffix(run(0, "", "token").stdout, "\n")
	}

	assert.Contains(t, run(1, "", "status").stderr, "no usable token of "+clientID)
	results := w.many(10, "token")
	for _, r := range results {
		assert.Equal(t, results[0], result{r.stdout, r.stderr, r.code, results[0].took})
	}
	first := token()
	assert.Equal(t, first+"\n", results[0].stdout)
	assert.Equal(t, http.StatusOK, l.takes(first, "read"))
	assert.Equal(t, http.StatusForbidden, l.takes(first, "write"), "of the scope that was asked for")
	assert.Contains(t, run(0, "", "status").stdout, url.QueryEscape(clientID))
	assert.Contains(t, run(0, "", "doctor").stdout, "client "+clientID)
	assert.Equal(t, oauth2test.Stats{Calls: 1, Minted: 1}, l.stats())

	r := w.refresher()
	w.soon(r.ready)
	_, metrics := r.get("/metrics")
	assert.Contains(t, metrics, "onetoken_token_remaining_seconds{")
	assert.Equal(t, 1, l.stats().Calls, "it reads what is there")

	status, _ := l.ask(http.MethodPost, oauth2test.RevokePath, "")
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, http.StatusUnauthorized, l.takes(first, "read"))
	assert.Contains(t, run(0, first, "invalidate", "-").stdout, "dropped: ")
	second := token()
	assert.NotEqual(t, first, second)
	assert.Equal(t, http.StatusOK, l.takes(second, "read"))
	assert.Contains(t, run(0, first, "invalidate", "-").stdout, "nothing to do", "old news")
	assert.Equal(t, 2, l.stats().Calls, "the refresher's, or the command's")

	assert.Regexp(t, `^the issuer gave a new token: \S+ left, fresh\n$`, run(0, "", "refresh").stdout)
	third := token()
	assert.NotEqual(t, second, third)
	assert.Equal(t, oauth2test.Stats{Calls: 3, Minted: 3}, l.stats())

	wrong := "wr0ng/" + secret
	w.env["OAUTH2_CLIENT_SECRET"] = wrong
	refused := run(3, "", "token")
	assert.Empty(t, refused.stdout)
	assert.Contains(t, refused.stderr, "invalid_client")
	assert.Contains(t, refused.stderr, "check OAUTH2_CLIENT_ID and OAUTH2_CLIENT_SECRET")
	assert.Equal(t, oauth2test.Stats{Calls: 3, Minted: 3, Refused: 1}, l.stats())

	r.kill()
	l.kill()
	assertNone(t, shown.String()+metrics+r.stderr.String()+l.stderr.String()+w.stored(), secret, wrong, first, second, third)
}

// stored is all that a reader of Redis finds.
func (w *world) stored() string {
	w.t.Helper()
	ctx, c := context.Background(), w.client()
	keys, err := c.Keys(ctx, "*").Result()
	require.NoError(w.t, err)
	require.NotEmpty(w.t, keys)
	var all strings.Builder
	fmt.Fprint(&all, keys)
	for _, key := range keys {
		dumped, err := c.Dump(ctx, key).Result()
		require.NoError(w.t, err)
		all.WriteString(dumped)
		if fields, err := c.HGetAll(ctx, key).Result(); err == nil {
			fmt.Fprint(&all, fields)
		}
	}
	return all.String()
}
