package oauth2test_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/oauth2test"
)

const base = "https://issuer.test"

type doer func(*http.Request) (*http.Response, error)

// reach makes one request in both ways: by the RoundTripper and by a socket.
func reach(t *testing.T, c oauth2test.Config, test func(t *testing.T, issuer *oauth2test.Issuer, do doer)) {
	t.Run("in process", func(t *testing.T) {
		issuer := oauth2test.New(c)
		test(t, issuer, issuer.RoundTripper().RoundTrip)
	})
	t.Run("by socket", func(t *testing.T) {
		issuer := oauth2test.New(c)
		server := httptest.NewServer(issuer)
		t.Cleanup(server.Close)
		t.Cleanup(server.CloseClientConnections)
		transport := &http.Transport{DisableKeepAlives: true}
		test(t, issuer, func(r *http.Request) (*http.Response, error) {
			r.URL.Scheme, r.URL.Host, r.Host = "http", strings.TrimPrefix(server.URL, "http://"), ""
			return transport.RoundTrip(r)
		})
	})
}

// newCall asks for a token by HTTP Basic, as the first client.
func newCall(ctx context.Context, t *testing.T, issuer *oauth2test.Issuer, pairs ...string) *http.Request {
	t.Helper()
	req := newForm(ctx, t, append([]string{"grant_type", "client_credentials"}, pairs...)...)
	req.SetBasicAuth(url.QueryEscape(issuer.ClientID()), url.QueryEscape(issuer.ClientSecret()))
	return req
}

// newForm has names and values, which may repeat, and no Authorization header.
func newForm(ctx context.Context, t *testing.T, pairs ...string) *http.Request {
	t.Helper()
	form := url.Values{}
	for n := 0; n < len(pairs); n += 2 {
		form.Add(pairs[n], pairs[n+1])
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+oauth2test.TokenPath, strings.NewReader(form.Encode()))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return req
}

// newAPI calls the protected API; query may be "".
func newAPI(t *testing.T, token, query string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+oauth2test.APIPath+query, nil)
	require.NoError(t, err)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return req
}

// answer of the token endpoint.
type answer struct {
	Token       string      `json:"access_token"`
	Type        string      `json:"token_type"`
	ExpiresIn   json.Number `json:"expires_in"`
	Scope       string      `json:"scope"`
	Error       string      `json:"error"`
	Description string      `json:"error_description"`
}

// response without its body.
type response struct {
	StatusCode int
	Header     http.Header
}

// ask returns the response and its JSON.
func (do doer) ask(t *testing.T, req *http.Request) (response, answer) {
	t.Helper()
	resp, body := do.text(t, req)
	var a answer
	require.NoError(t, json.Unmarshal([]byte(body), &a), body)
	return resp, a
}

func (do doer) text(t *testing.T, req *http.Request) (response, string) {
	t.Helper()
	resp, err := do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return response{resp.StatusCode, resp.Header}, string(body)
}

// granted asks for a token and gets one.
func granted(t *testing.T, issuer *oauth2test.Issuer, pairs ...string) answer {
	t.Helper()
	resp, a := doer(issuer.RoundTripper().RoundTrip).ask(t, newCall(t.Context(), t, issuer, pairs...))
	require.Equal(t, http.StatusOK, resp.StatusCode)
	return a
}
