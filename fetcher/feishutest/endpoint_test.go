package feishutest_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

func TestRouting(t *testing.T) {
	reach(t, feishutest.Config{}, func(t *testing.T, issuer *feishutest.Issuer, do func(*http.Request) (*http.Response, error)) {
		pair := issuer.Rotate()
		for _, c := range []struct {
			edge        string
			req         *http.Request
			status      int
			contentType string
			body        string
		}{
			{"token", newPost(t.Context(), t), 200, "application/json", `"app_access_token":"` + pair.App},
			{"token by GET", newGet(t, feishutest.TokenPath, ""), 404, "text/plain", "not found"},
			{"another path", newGet(t, "/", ""), 404, "text/plain", "not found"},
			{"business API", newGet(t, feishutest.QueryPath, pair.Tenant), 200, "application/json", `"code":0`},
			{"business API without token", newGet(t, feishutest.QueryPath, ""), 400, "application/json", `"code":99991661`},
			{"business API with another token", newGet(t, feishutest.QueryPath, "t-guess"), 400, "application/json", `"code":99991663`},
			{"business API with an app token", newGet(t, feishutest.QueryPath, pair.App), 400, "application/json", `"code":99991663`},
			{"tenant token", newPostTo(t.Context(), t, feishutest.TenantTokenPath), 200, "application/json", `{"code":0,"msg":"ok","tenant_access_token":"` + pair.Tenant + `","expire":7`},
			{"stats", newGet(t, feishutest.StatsPath, ""), 200, "application/json", `{"calls":2,"rotations":1,"refused":0}`},
		} {
			t.Run(c.edge, func(t *testing.T) {
				resp, err := do(c.req)
				require.NoError(t, err)
				defer func() { _ = resp.Body.Close() }()
				body, err := io.ReadAll(resp.Body)
				require.NoError(t, err)
				assert.Equal(t, c.status, resp.StatusCode)
				assert.Contains(t, resp.Header.Get("Content-Type"), c.contentType)
				assert.NotEmpty(t, resp.Header.Get("X-Tt-Logid"))
				assert.Contains(t, string(body), c.body)
				assert.EqualValues(t, len(body), resp.ContentLength)
			})
		}
	})
}

func TestContentType(t *testing.T) {
	for contentType, code := range map[string]int{
		"application/json":                  0,
		"application/json; charset=UTF-8":   0,
		"application/json; charset=gbk":     10003,
		"application/x-www-form-urlencoded": 10003,
		"":                                  10003,
	} {
		t.Run(contentType, func(t *testing.T) {
			req := newPost(t.Context(), t)
			req.Header.Set("Content-Type", contentType)
			resp, err := feishutest.New(feishutest.Config{}).RoundTripper().RoundTrip(req)
			require.NoError(t, err)
			defer func() { _ = resp.Body.Close() }()
			var a answer
			require.NoError(t, json.NewDecoder(resp.Body).Decode(&a))
			assert.Equal(t, code, a.Code)
		})
	}
}

func TestLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := feishutest.New(feishutest.Config{})
		issuer.SetLatency(3 * time.Second)
		begin := time.Now()
		assert.Equal(t, 7200, call(t, issuer).Expire, "counted from the answer")
		assert.Equal(t, 3*time.Second, time.Since(begin))
	})
}

// The real issuer does not notice that nobody waits any more.
func TestClientGoneDuringLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		issuer := feishutest.New(feishutest.Config{Latency: time.Second, OnRequest: cancel})
		begin := time.Now()
		require.ErrorIs(t, postError(ctx, issuer.RoundTripper()), context.Canceled)
		assert.Zero(t, time.Since(begin))
		assert.Empty(t, issuer.Calls(), "not decided yet")

		time.Sleep(time.Second)
		synctest.Wait()
		assert.Equal(t, feishutest.Stats{Calls: 1, Rotations: 1}, issuer.Stats())
		time.Sleep(time.Minute)
		assert.Equal(t, 7139, call(t, issuer).Expire, "the token that nobody got")
	})
}

func TestClientGoneBySocket(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	issuer := feishutest.New(feishutest.Config{Latency: 50 * time.Millisecond, OnRequest: cancel})
	server := httptest.NewServer(issuer)
	defer server.Close()
	bySocket := roundTrip(func(r *http.Request) (*http.Response, error) {
		r.URL.Scheme, r.URL.Host = "http", strings.TrimPrefix(server.URL, "http://")
		return http.DefaultTransport.RoundTrip(r)
	})
	require.ErrorIs(t, postError(ctx, bySocket), context.Canceled)
	require.Eventually(t, func() bool { return issuer.Stats().Rotations == 1 }, 5*time.Second, 5*time.Millisecond)
}

func TestOnRequestMayUseTheIssuer(t *testing.T) {
	var issuer *feishutest.Issuer
	var told atomic.Int32
	issuer = feishutest.New(feishutest.Config{OnRequest: func() {
		told.Add(1)
		issuer.FailNext(1, feishutest.Refusal(7, "set in mid-call"))
	}})
	assert.Equal(t, 7, call(t, issuer).Code)
	assert.EqualValues(t, 1, told.Load())
}

func TestEndedContextDoesNotArrive(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	issuer := feishutest.New(feishutest.Config{})
	require.ErrorIs(t, postError(ctx, issuer.RoundTripper()), context.Canceled)
	assert.Zero(t, issuer.Stats())
}

func TestBodyAfterClose(t *testing.T) {
	resp, err := post(t.Context(), feishutest.New(feishutest.Config{}).RoundTripper(), goodRequest)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.NoError(t, resp.Body.Close())
	_, err = resp.Body.Read(make([]byte, 1))
	require.True(t, errors.Is(err, http.ErrBodyReadAfterClose))
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// postError is for calls that are given up.
func postError(ctx context.Context, rt http.RoundTripper) error {
	resp, err := post(ctx, rt, goodRequest)
	if err == nil {
		_ = resp.Body.Close()
	}
	return err
}

// Both endpoints hand out one pair, and keep to one rule.
func TestTenantToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := feishutest.New(feishutest.Config{})
		ask := func() (a answer) {
			resp, err := issuer.RoundTripper().RoundTrip(newPostTo(t.Context(), t, feishutest.TenantTokenPath))
			require.NoError(t, err)
			defer func() { _ = resp.Body.Close() }()
			require.NoError(t, json.NewDecoder(resp.Body).Decode(&a))
			return a
		}
		first := call(t, issuer)
		assert.Equal(t, answer{Msg: "ok", Tenant: first.Tenant, Expire: 7200}, ask())
		time.Sleep(90*time.Minute + time.Second)
		second := ask()
		assert.NotEqual(t, first.Tenant, second.Tenant)
		assert.Equal(t, second.Tenant, call(t, issuer).Tenant)

		calls := issuer.Calls()
		require.Len(t, calls, 4)
		assert.Equal(t, feishutest.Stats{Calls: 4, Rotations: 2}, issuer.Stats())
		assert.Empty(t, calls[2].App, "it was not handed out")
		assert.Equal(t, second.Tenant, calls[2].Tenant)
		assert.True(t, calls[2].Granted() && calls[2].Minted)
	})
}

func TestRevokePath(t *testing.T) {
	c := feishutest.Config{Apps: []feishutest.AppConfig{{ID: "cli_b"}}}
	reach(t, c, func(t *testing.T, issuer *feishutest.Issuer, do func(*http.Request) (*http.Response, error)) {
		post := func(query string) (int, string) {
			req := newGet(t, feishutest.RevokePath+query, "")
			req.Method = http.MethodPost
			resp, err := do(req)
			require.NoError(t, err)
			defer func() { _ = resp.Body.Close() }()
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			return resp.StatusCode, string(body)
		}
		a, b := issuer.Rotate(), issuer.App("cli_b").Rotate()
		for _, step := range []struct {
			query        string
			status       int
			body         string
			aEnds, bEnds bool
		}{
			{"?app_id=cli_c", 404, "no such app_id", false, false},
			{"?app_id=cli_b", 200, `{"revoked":1}`, false, true},
			{"?app_id=cli_b", 200, `{"revoked":0}`, false, true},
			{"", 200, `{"revoked":1}`, true, true},
			{"", 200, `{"revoked":0}`, true, true},
		} {
			status, body := post(step.query)
			assert.Equal(t, step.status, status, step.query)
			assert.Contains(t, body, step.body)
			assert.Equal(t, step.aEnds, !issuer.Valid(a.App))
			assert.Equal(t, step.bEnds, !issuer.Valid(b.Tenant))
		}
	})
}
