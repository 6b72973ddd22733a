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
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

// reach makes one request in both ways: by the RoundTripper and by a socket.
func reach(t *testing.T, c feishutest.Config, test func(t *testing.T, issuer *feishutest.Issuer, do func(*http.Request) (*http.Response, error))) {
	t.Run("in process", func(t *testing.T) {
		issuer := feishutest.New(c)
		test(t, issuer, issuer.RoundTripper().RoundTrip)
	})
	t.Run("by socket", func(t *testing.T) {
		issuer := feishutest.New(c)
		server := httptest.NewServer(issuer)
		t.Cleanup(server.Close)
		t.Cleanup(server.CloseClientConnections)
		transport := &http.Transport{DisableKeepAlives: true}
		test(t, issuer, func(r *http.Request) (*http.Response, error) {
			r.URL.Scheme, r.URL.Host = "http", strings.TrimPrefix(server.URL, "http://")
			return transport.RoundTrip(r)
		})
	})
}

func newPost(ctx context.Context, t *testing.T) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://feishu.test"+feishutest.TokenPath, strings.NewReader(goodRequest))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	return req
}

func newGet(t *testing.T, path, token string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://feishu.test"+path, nil)
	require.NoError(t, err)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return req
}

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
			{"stats", newGet(t, feishutest.StatsPath, ""), 200, "application/json", `{"calls":1,"rotations":1,"refused":0}`},
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

func TestFaults(t *testing.T) {
	const brief = 300 * time.Millisecond
	for _, c := range []struct {
		fault  feishutest.Fault
		status int    // 0: no answer
		body   string // a part of it
		err    error  // of the request, or of reading the body
	}{
		{fault: feishutest.Refusal(1663, "internal error"), status: 200, body: `"code":1663`},
		{fault: feishutest.WrongSecret(), status: 200, body: `"code":10014`},
		{fault: feishutest.RateLimited("Retry-After", "-7"), status: 429, body: `"code":99991400`},
		{fault: feishutest.Status(502), status: 502, body: "Bad Gateway"},
		{fault: feishutest.Redirect("http://127.0.0.1:1/"), status: 307},
		{fault: feishutest.Answer(418, http.Header{"x-tt-logid": nil}, "short"), status: 418, body: "short"},
		{fault: feishutest.HTML(), status: 200, body: "<!DOCTYPE"},
		{fault: feishutest.EmptyBody(), status: 200},
		{fault: feishutest.WrongShape(), status: 200, body: `"code":"0"`},
		{fault: feishutest.Expire(`"7200"`), status: 200, body: `"expire":"7200"`},
		{fault: feishutest.EmptyToken(), status: 200, body: `"app_access_token":""`},
		{fault: feishutest.Reset(), err: syscall.ECONNRESET},
		{fault: feishutest.LostReply(), err: syscall.ECONNRESET},
		{fault: feishutest.Timeout(), err: context.DeadlineExceeded},
		{fault: feishutest.BrokenBody(), status: 200, body: `{"app_access_token":"a-`, err: io.ErrUnexpectedEOF},
		{fault: feishutest.SlowBody(time.Second), status: 200, err: context.DeadlineExceeded},
		{fault: feishutest.EndlessBody(), status: 200, body: "  "},
	} {
		t.Run(c.fault.String(), func(t *testing.T) {
			reach(t, feishutest.Config{}, func(t *testing.T, issuer *feishutest.Issuer, do func(*http.Request) (*http.Response, error)) {
				issuer.FailNext(1, c.fault)
				ctx, cancel := context.WithTimeout(t.Context(), brief)
				defer cancel()
				resp, err := do(newPost(ctx, t))
				require.Equal(t, c.status == 0, err != nil)
				if err != nil {
					require.ErrorIs(t, err, c.err)
				} else {
					defer func() { _ = resp.Body.Close() }()
					assert.Equal(t, c.status, resp.StatusCode)
					body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
					require.ErrorIs(t, err, c.err)
					assert.Contains(t, string(body), c.body)
				}
				assertRecorded(t, issuer, c.fault)
				assert.Equal(t, 0, call(t, issuer).Code, "the fault was for one call")
			})
		})
	}
}

func assertRecorded(t *testing.T, issuer *feishutest.Issuer, f feishutest.Fault) {
	t.Helper()
	calls := issuer.Calls()
	require.Len(t, calls, 1)
	assert.Equal(t, f.String(), calls[0].Fault)
	switch f.String() {
	case "slow body":
		assert.Equal(t, feishutest.Stats{Calls: 1, Rotations: 1}, issuer.Stats())
	case "lost reply", "broken body":
		assert.Equal(t, feishutest.Stats{Refused: 1, Rotations: 1}, issuer.Stats())
		assert.True(t, calls[0].Minted)
		assert.False(t, calls[0].Granted())
	default:
		assert.Equal(t, feishutest.Stats{Refused: 1}, issuer.Stats())
	}
}

func TestSetFault(t *testing.T) {
	issuer := feishutest.New(feishutest.Config{})
	issuer.SetFault(feishutest.Refusal(1, "always"))
	issuer.FailNext(2, feishutest.Refusal(2, "twice"))
	for _, code := range []int{2, 2, 1, 1} {
		assert.Equal(t, code, call(t, issuer).Code)
	}
	issuer.SetFault(feishutest.Fault{})
	assert.Equal(t, 0, call(t, issuer).Code)
	assert.Equal(t, "", issuer.Calls()[4].Fault)
}

func TestSlowBodyArrives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := feishutest.New(feishutest.Config{})
		issuer.FailNext(1, feishutest.SlowBody(time.Second))
		begin := time.Now()
		a := call(t, issuer)
		assert.True(t, issuer.Valid(a.App))
		assert.Greater(t, time.Since(begin), 100*time.Second)
	})
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

func TestBodyAfterClose(t *testing.T) {
	resp, err := post(t.Context(), feishutest.New(feishutest.Config{}).RoundTripper(), goodRequest)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.NoError(t, resp.Body.Close())
	_, err = resp.Body.Read(make([]byte, 1))
	require.True(t, errors.Is(err, http.ErrBodyReadAfterClose))
}
