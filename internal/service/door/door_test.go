package door_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/clients"
	"github.com/onetoken-go/onetoken/internal/service/door"
	"github.com/onetoken-go/onetoken/internal/service/peer"
)

func TestPathsAndMethods(t *testing.T) {
	s := open(t, usualVault())
	for _, path := range []string{
		"/", "/v1", "/v1/tokens", "/v1/tokens/", "/v1/tokens//reject", "/v1/tokens/crm/", "/v1/tokens/crm/reject/", "/v1/tokens/crm/other",
		"/v2/tokens/crm", "//v1/tokens/crm", "/v1/../v1/tokens/crm", "/oauth2/token/", "/oauth2", "/V1/tokens/crm", "/metrics",
	} {
		refused(t, s.get(path, bearer(billingSecret)), http.StatusNotFound, "invalid_request")
	}
	assert.Empty(t, s.uses, "nobody wanted a credential")
	for path, allowed := range map[string]string{"/v1/tokens/crm": "GET, HEAD", "/v1/tokens/unknown": "GET, HEAD", "/v1/tokens/crm/reject": "POST", "/oauth2/token": "POST"} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get", "PROPFIND"} {
			r := request(path, "", bearer(billingSecret))
			r.Method = method
			w := s.answer(r)
			if strings.Contains(allowed, method) {
				assert.NotEqual(t, http.StatusMethodNotAllowed, w.Code, "%s %s", method, path)
				continue
			}
			refused(t, w, http.StatusMethodNotAllowed, "invalid_request")
			assert.Equal(t, allowed, w.Header().Get("Allow"))
		}
	}
}

// Every answer forbids to store it, and none lets pages in.
func TestHeaders(t *testing.T) {
	s := open(t, usualVault())
	for status, w := range map[int]*httptest.ResponseRecorder{
		200: s.get("/v1/tokens/crm", bearer(billingSecret)),
		401: s.get("/v1/tokens/crm"),
		403: s.get("/v1/tokens/m2m", bearer(billingSecret)),
		404: s.get("/"),
		415: s.post("/v1/tokens/crm/reject", "x", bearer(billingSecret)),
		421: s.get("/v1/tokens/crm", host("evil.example")),
		405: s.answer(httptest.NewRequest(http.MethodOptions, "/oauth2/token", nil)),
	} {
		assert.Equal(t, status, w.Code)
		for name, value := range map[string]string{
			"Content-Type": "application/json", "Cache-Control": "no-store", "Pragma": "no-cache", "X-Content-Type-Options": "nosniff",
			"Access-Control-Allow-Origin": "", "Access-Control-Allow-Methods": "", "Vary": "",
		} {
			assert.Equal(t, value, w.Header().Get(name), "%d: %s", status, name)
		}
	}
}

func TestOneAnswerForWhoMayNot(t *testing.T) {
	s := open(t, usualVault())
	var bodies []string
	for name, r := range map[string]*http.Request{
		"another's":              request("/v1/tokens/m2m", "", bearer(billingSecret)),
		"nobody's":               request("/v1/tokens/secret", "", bearer(billingSecret)),
		"there is none":          request("/v1/tokens/unknown", "", bearer(billingSecret)),
		"granted, but not there": request("/v1/tokens/gone", "", bearer(reportsSecret)),
		"a bad kind":             request("/v1/tokens/m2m?kind=bad", "", bearer(billingSecret)),
		"no name":                request("/v1/tokens/SECRET%00%0a", "", bearer(billingSecret)),
		"a rejection":            request("/v1/tokens/m2m/reject", `{`, bearer(billingSecret)),
		"a scope":                request("/oauth2/token", grantOnly+"&scope=m2m", basic("billing", billingSecret)),
		"a scope of nobody's":    request("/oauth2/token", grantOnly+"&scope=unknown:bad", basic("billing", billingSecret)),
	} {
		w := s.answer(r)
		refused(t, w, http.StatusForbidden, "access_denied")
		use := s.lastUse(t)
		assert.NotEmpty(t, use.Client, name)
		assert.Contains(t, []string{"", "m2m", "secret"}, use.Credential, "only what there is: %s", name)
		bodies = append(bodies, w.Body.String())
	}
	for _, body := range bodies {
		assert.Equal(t, bodies[0], body)
	}
}

func TestOneAnswerForWhoIsNobody(t *testing.T) {
	s := open(t, usualVault())
	var bodies []string
	for name, r := range map[string]*http.Request{
		"nothing":             request("/v1/tokens/crm", ""),
		"a wrong secret":      request("/v1/tokens/crm", "", bearer("SECRET-that-is-wrong")),
		"of no credential":    request("/v1/tokens/unknown", "", bearer("SECRET-that-is-wrong")),
		"a bad kind":          request("/v1/tokens/crm?kind=bad", "", bearer("SECRET-that-is-wrong")),
		"in the URL":          request("/v1/tokens/crm?access_token="+billingSecret, ""),
		"by Basic":            request("/v1/tokens/crm", "", basic("billing", billingSecret)),
		"two headers":         request("/v1/tokens/crm", "", header("Authorization", "Bearer "+billingSecret, "Bearer "+billingSecret)),
		"a rejection":         request("/v1/tokens/crm/reject", `{"access_token":"a-TOKEN-app"}`),
		"a rejection, broken": request("/v1/tokens/crm/reject", `{`),
		"a peer of nobody's":  request("/v1/tokens/crm", "", within(peer.WithPeer(t.Context(), 7))),
	} {
		w := s.answer(r)
		refused(t, w, http.StatusUnauthorized, "invalid_client")
		assert.Equal(t, `Bearer realm="onetoken"`, w.Header().Get("WWW-Authenticate"), name)
		use := s.lastUse(t)
		use.Action = ""
		assert.Equal(t, door.Use{Status: 401, Error: "invalid_client"}, use, name)
		bodies = append(bodies, w.Body.String())
	}
	for _, body := range bodies {
		assert.Equal(t, bodies[0], body)
	}
}

// A reload counts from the next request on.
func TestReload(t *testing.T) {
	before, err := clients.New(everybody(), nil)
	require.NoError(t, err)
	var table atomic.Pointer[clients.Table]
	table.Store(before)
	d, err := door.New(door.Config{Clients: table.Load, Vault: usualVault()})
	require.NoError(t, err)
	s := &stage{Door: d}
	assert.Equal(t, http.StatusOK, s.get("/v1/tokens/crm", bearer(billingSecret)).Code)
	after, err := clients.New(everybody()[1:], before)
	require.NoError(t, err)
	table.Store(after)
	refused(t, s.get("/v1/tokens/crm", bearer(billingSecret)), http.StatusUnauthorized, "invalid_client")
	assert.Equal(t, http.StatusOK, s.get("/v1/tokens/crm", bearer(reportsSecret)).Code)
}

// What net/http makes of it, on the wire.
func TestOverHTTP(t *testing.T) {
	server := httptest.NewServer(open(t, usualVault()))
	defer server.Close()
	type reply struct {
		status int
		length int64
		allow  string
	}
	send := func(method, path, body string) (reply, string) {
		r, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, strings.NewReader(body))
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer "+billingSecret)
		r.Header.Set("Content-Type", "application/json")
		res, err := server.Client().Do(r)
		require.NoError(t, err)
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return reply{res.StatusCode, res.ContentLength, res.Header.Get("Allow")}, string(text)
	}
	got, text := send(http.MethodGet, "/v1/tokens/crm", "")
	assert.Equal(t, http.StatusOK, got.status)
	assert.Contains(t, text, tenantToken)
	assert.Equal(t, int64(len(text)), got.length)
	head, text := send(http.MethodHead, "/v1/tokens/crm", "")
	assert.Equal(t, http.StatusOK, head.status)
	assert.Empty(t, text)
	assert.Equal(t, got.length, head.length)
	large, text := send(http.MethodPost, "/v1/tokens/crm/reject", strings.Repeat(" ", 1<<20))
	assert.Equal(t, http.StatusRequestEntityTooLarge, large.status)
	assert.Contains(t, text, "64 KiB")
	options, _ := send(http.MethodOptions, "/v1/tokens/crm", "")
	assert.Equal(t, http.StatusMethodNotAllowed, options.status)
	assert.Equal(t, "GET, HEAD", options.allow)
}

// A right that a reload takes away while a body arrives, or a token is waited for, is gone.
func TestRightThatIsTakenAwayMeanwhile(t *testing.T) {
	for name, c := range map[string]struct {
		request func(whenRead func()) *http.Request
		waits   bool
		status  int
	}{
		"in the body of a grant": {func(whenRead func()) *http.Request {
			return request(endpoint, "x", withBody(grantOnly+"&client_id=billing&client_secret="+url.QueryEscape(billingSecret), whenRead))
		}, false, http.StatusUnauthorized},
		"in the body of a rejection": {func(whenRead func()) *http.Request {
			return request("/v1/tokens/crm/reject", "{", bearer(billingSecret), withBody(`{"access_token":"x"}`, whenRead))
		}, false, http.StatusForbidden},
		"while a token is waited for": {func(func()) *http.Request {
			return request("/v1/tokens/crm", "", bearer(billingSecret))
		}, true, http.StatusForbidden},
	} {
		v := usualVault()
		s := open(t, v)
		nobody, err := clients.New(nil, nil)
		require.NoError(t, err)
		if c.waits {
			v["crm"] = &slow{v["crm"].(*credential), func() { s.table.Store(nobody) }}
		}
		w := s.answer(c.request(func() { s.table.Store(nobody) }))
		assert.Equal(t, c.status, w.Code, "%s: %s", name, w.Body)
		assert.NotContains(t, w.Body.String(), "TOKEN", name)
	}
}

// slow has no token at hand, and does something before it has one.
type slow struct {
	*credential
	meanwhile func()
}

func (s *slow) Peek() (door.Handout, bool) { return door.Handout{}, false }

func (s *slow) Get(context.Context) (door.Handout, error) {
	s.meanwhile()
	return s.handout, nil
}

// withBody is one that does something when it is read.
func withBody(text string, whenRead func()) func(*http.Request) {
	return func(r *http.Request) {
		r.Body = io.NopCloser(io.MultiReader(readFunc(func([]byte) (int, error) { whenRead(); return 0, io.EOF }), strings.NewReader(text)))
		r.ContentLength = -1
	}
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }
