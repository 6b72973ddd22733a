package feishutest_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

const goodRequest = `{"app_id":"cli_test","app_secret":"test-secret"}`

// call expects an answer in JSON.
func call(t testing.TB, issuer *feishutest.Issuer) answer {
	t.Helper()
	return callWith(t, issuer, goodRequest)
}

// answer of the token endpoint, as a client reads it.
type answer struct {
	Code   int    `json:"code"`
	Msg    string `json:"msg"`
	App    string `json:"app_access_token"`
	Tenant string `json:"tenant_access_token"`
	Expire int    `json:"expire"`
}

func post(ctx context.Context, rt http.RoundTripper, body string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://feishu.test"+feishutest.TokenPath, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	return rt.RoundTrip(req)
}

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

func newGet(t *testing.T, path, token string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://feishu.test"+path, nil)
	require.NoError(t, err)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return req
}

func callWith(t testing.TB, issuer *feishutest.Issuer, body string) (a answer) {
	t.Helper()
	resp, err := post(t.Context(), issuer.RoundTripper(), body)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	require.Equal(t, http.StatusOK, resp.StatusCode)
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&a))
	return a
}

func newPost(ctx context.Context, t *testing.T) *http.Request {
	t.Helper()
	return newPostTo(ctx, t, feishutest.TokenPath)
}

func newPostTo(ctx context.Context, t *testing.T, path string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://feishu.test"+path, strings.NewReader(goodRequest))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	return req
}
