package oauth2test_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/oauth2test"
)

// clients have each restriction that there is.
var clients = []oauth2test.Client{
	{ID: "any"},
	{ID: "strict", Scopes: []string{"read", "write"}, Audiences: []string{"https://api.test"}, Resources: []string{"https://a.test", "https://b.test"}},
	{ID: "basic", Auth: oauth2test.AuthBasic},
	{ID: "body", Auth: oauth2test.AuthBody},
	{ID: "barred", Unauthorized: true},
	{ID: "odd:id", Secret: "p+s w%2F:ü"},
}

func TestGrants(t *testing.T) {
	reach(t, oauth2test.Config{Clients: clients}, func(t *testing.T, issuer *oauth2test.Issuer, do doer) {
		for _, c := range []struct {
			edge  string
			id    string
			pairs []string
			scope string // granted
		}{
			{"nothing asked for", "any", nil, ""},
			{"any scope", "any", []string{"scope", "a b"}, "a b"},
			{"a scope twice", "any", []string{"scope", "a b a"}, "a b"},
			{"a parameter without a value counts as left out", "strict", []string{"scope", ""}, "read write"},
			{"all scopes unless it says which", "strict", nil, "read write"},
			{"a part of them", "strict", []string{"scope", "write"}, "write"},
			{"an audience", "strict", []string{"audience", "https://api.test"}, "read write"},
			{"a resource", "strict", []string{"resource", "https://a.test"}, "read write"},
			{"two resources", "strict", []string{"resource", "https://a.test", "resource", "https://b.test"}, "read write"},
			{"a parameter nobody knows", "any", []string{"organization", "org_1"}, ""},
			{"the id in the body as well", "any", []string{"client_id", "any"}, ""},
		} {
			t.Run(c.edge, func(t *testing.T) {
				req := newCall(t.Context(), t, issuer, c.pairs...)
				req.SetBasicAuth(c.id, "test-secret")
				resp, a := do.ask(t, req)
				require.Equal(t, http.StatusOK, resp.StatusCode, a.Description)
				assert.Equal(t, "Bearer", a.Type)
				assert.Equal(t, "3600", a.ExpiresIn.String())
				assert.Equal(t, c.scope, a.Scope)
				assert.True(t, issuer.Valid(a.Token))
				assert.Equal(t, "no-store", resp.Header.Get("Cache-Control"))
				assert.Equal(t, "no-cache", resp.Header.Get("Pragma"))
				assert.NotEmpty(t, resp.Header.Get("X-Request-Id"))

				tokens, calls := issuer.Tokens(), issuer.Calls()
				minted, call := tokens[len(tokens)-1], calls[len(calls)-1]
				asked := url.Values{}
				for n := 0; n < len(c.pairs); n += 2 {
					asked.Add(c.pairs[n], c.pairs[n+1])
				}
				assert.Equal(t, a.Token, minted.Value)
				assert.Equal(t, c.id, minted.ClientID)
				assert.Equal(t, c.scope, minted.Scope)
				assert.Equal(t, asked.Get("audience"), minted.Audience)
				assert.Equal(t, asked["resource"], minted.Resources)
				assert.Equal(t, asked.Get("scope"), call.Scope)
				assert.Equal(t, oauth2test.AuthBasic, call.Auth)
				assert.Equal(t, a.Token, call.Token)
				assert.Equal(t, time.Hour, call.ExpiresIn)
				assert.Equal(t, c.id, call.ClientID)
				assert.True(t, call.Granted() && call.Minted)
			})
		}
	})
}

// The ways in which a client may state its id and secret, and what comes of mistakes (RFC 6749 2.3.1).
func TestClientAuthentication(t *testing.T) {
	const grant = "client_credentials"
	reach(t, oauth2test.Config{Clients: clients}, func(t *testing.T, issuer *oauth2test.Issuer, do doer) {
		for _, c := range []struct {
			edge      string
			basic     []string // user and password as they are sent
			header    string   // Authorization in place of that
			pairs     []string
			code      string // "" for a token
			challenge bool
		}{
			{edge: "basic", basic: []string{"any", "test-secret"}},
			{edge: "body", pairs: []string{"client_id", "any", "client_secret", "test-secret"}},
			{edge: "basic, urlencoded", basic: []string{url.QueryEscape("odd:id"), url.QueryEscape("p+s w%2F:ü")}},
			{edge: "basic, as it is", basic: []string{"odd", "id:p+s w%2F:ü"}, code: "invalid_client", challenge: true},
			{edge: "body, odd", pairs: []string{"client_id", "odd:id", "client_secret", "p+s w%2F:ü"}},
			{edge: "none", code: "invalid_client"},
			{edge: "an id alone", pairs: []string{"client_id", "any"}, code: "invalid_client"},
			{edge: "another secret by basic", basic: []string{"any", "guess"}, code: "invalid_client", challenge: true},
			{edge: "another secret in the body", pairs: []string{"client_id", "any", "client_secret", "guess"}, code: "invalid_client"},
			{edge: "no such client", basic: []string{"who", "test-secret"}, code: "invalid_client", challenge: true},
			{edge: "broken percent-encoding", basic: []string{"any", "%zz"}, code: "invalid_client", challenge: true},
			{edge: "another scheme", header: "Bearer x", code: "invalid_client", challenge: true},
			{edge: "no base64", header: "Basic ???", code: "invalid_client", challenge: true},
			{edge: "both ways", basic: []string{"any", "test-secret"}, pairs: []string{"client_secret", "test-secret"}, code: "invalid_request"},
			{edge: "two ids", basic: []string{"any", "test-secret"}, pairs: []string{"client_id", "basic"}, code: "invalid_request"},
			{edge: "a client of basic, by basic", basic: []string{"basic", "test-secret"}},
			{edge: "a client of basic, by body", pairs: []string{"client_id", "basic", "client_secret", "test-secret"}, code: "invalid_client"},
			{edge: "a client of body, by basic", basic: []string{"body", "test-secret"}, code: "invalid_client", challenge: true},
		} {
			t.Run(c.edge, func(t *testing.T) {
				req := newForm(t.Context(), t, append([]string{"grant_type", grant}, c.pairs...)...)
				if c.basic != nil {
					req.SetBasicAuth(c.basic[0], c.basic[1])
				}
				if c.header != "" {
					req.Header.Set("Authorization", c.header)
				}
				resp, a := do.ask(t, req)
				assert.Equal(t, c.code, a.Error, a.Description)
				status := map[string]int{"": 200, "invalid_client": 401, "invalid_request": 400}[c.code]
				assert.Equal(t, status, resp.StatusCode)
				assert.Equal(t, c.challenge, resp.Header.Get("WWW-Authenticate") != "")
				if c.challenge {
					assert.Equal(t, `Basic realm="oauth2test", charset="UTF-8"`, resp.Header.Get("WWW-Authenticate"))
				}
				assert.NotContains(t, a.Description, "guess")
			})
		}
	})
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		edge  string
		id    string
		pairs []string
		code  string
	}{
		{"no grant type", "any", nil, "invalid_request"},
		{"a grant type without a value", "any", []string{"grant_type", ""}, "invalid_request"},
		{"another grant type", "any", []string{"grant_type", "password"}, "unsupported_grant_type"},
		{"a client without this grant", "barred", []string{"grant_type", "client_credentials"}, "unauthorized_client"},
		{"a parameter twice", "any", []string{"grant_type", "client_credentials", "scope", "a", "scope", "b"}, "invalid_request"},
		{"a scope that it may not have", "strict", []string{"grant_type", "client_credentials", "scope", "read admin"}, "invalid_scope"},
		{"a malformed scope", "any", []string{"grant_type", "client_credentials", "scope", `a"b`}, "invalid_scope"},
		{"two spaces in a scope", "any", []string{"grant_type", "client_credentials", "scope", "a  b"}, "invalid_scope"},
		{"another audience", "strict", []string{"grant_type", "client_credentials", "audience", "https://other.test"}, "invalid_target"},
		{"another resource", "strict", []string{"grant_type", "client_credentials", "resource", "https://c.test"}, "invalid_target"},
		{"a relative resource", "any", []string{"grant_type", "client_credentials", "resource", "/a"}, "invalid_target"},
		{"a resource with a fragment", "any", []string{"grant_type", "client_credentials", "resource", "https://a.test/#b"}, "invalid_target"},
	} {
		t.Run(c.edge, func(t *testing.T) {
			issuer := oauth2test.New(oauth2test.Config{Clients: clients})
			req := newForm(t.Context(), t, c.pairs...)
			req.SetBasicAuth(c.id, "test-secret")
			resp, a := doer(issuer.RoundTripper().RoundTrip).ask(t, req)
			assert.Equal(t, http.StatusBadRequest, resp.StatusCode)
			assert.Equal(t, c.code, a.Error)
			assert.NotEmpty(t, a.Description)
			assert.Empty(t, a.Token)
			assert.Equal(t, "no-store", resp.Header.Get("Cache-Control"))
			assert.Equal(t, oauth2test.Stats{Refused: 1}, issuer.Stats())
			calls := issuer.Calls()
			require.Len(t, calls, 1)
			assert.Equal(t, c.code, calls[0].Error)
			assert.Equal(t, http.StatusBadRequest, calls[0].Status)
			assert.False(t, calls[0].Granted())
		})
	}
}

func TestMalformedRequests(t *testing.T) {
	reach(t, oauth2test.Config{}, func(t *testing.T, issuer *oauth2test.Issuer, do doer) {
		for _, c := range []struct {
			edge   string
			change func(*http.Request)
			status int
			code   string
		}{
			{"JSON", func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }, 400, "invalid_request"},
			{"no content type", func(r *http.Request) { r.Header.Del("Content-Type") }, 400, "invalid_request"},
			{"a charset", func(r *http.Request) {
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
			}, 200, ""},
			{"a malformed body", func(r *http.Request) { setBody(r, "grant_type=client_credentials&%zz") }, 400, "invalid_request"},
			{"parameters in the URL", func(r *http.Request) { r.URL.RawQuery = "grant_type=client_credentials" }, 400, "invalid_request"},
		} {
			t.Run(c.edge, func(t *testing.T) {
				req := newCall(t.Context(), t, issuer)
				c.change(req)
				resp, a := do.ask(t, req)
				assert.Equal(t, c.status, resp.StatusCode)
				assert.Equal(t, c.code, a.Error)
			})
		}
		t.Run("GET", func(t *testing.T) {
			req := newCall(t.Context(), t, issuer)
			req.Method = http.MethodGet
			resp, _ := do.text(t, req)
			assert.Equal(t, http.StatusMethodNotAllowed, resp.StatusCode)
			assert.Equal(t, "POST", resp.Header.Get("Allow"))
		})
		t.Run("another path", func(t *testing.T) {
			req := newCall(t.Context(), t, issuer)
			req.URL.Path = "/oauth/token"
			resp, body := do.text(t, req)
			assert.Equal(t, http.StatusNotFound, resp.StatusCode)
			assert.Equal(t, "404 page not found", body)
		})
	})
}

func setBody(r *http.Request, body string) {
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
}

func TestStatsPath(t *testing.T) {
	issuer := oauth2test.New(oauth2test.Config{})
	granted(t, issuer)
	issuer.Mint("test-client")
	issuer.FailNext(1, oauth2test.WrongSecret())
	do := doer(issuer.RoundTripper().RoundTrip)
	do.ask(t, newCall(t.Context(), t, issuer))
	req := newAPI(t, "", "")
	req.URL.Path = oauth2test.StatsPath
	_, body := do.text(t, req)
	assert.JSONEq(t, `{"calls":1,"minted":2,"refused":1}`, body)
}

func TestRevokePath(t *testing.T) {
	reach(t, oauth2test.Config{Clients: clients}, func(t *testing.T, issuer *oauth2test.Issuer, do doer) {
		first, second, other := issuer.Mint("any"), issuer.Mint("any"), issuer.Mint("strict")
		for _, step := range []struct {
			query  string
			status int
			body   string
			valid  []bool
		}{
			{"client_id=who", 404, "no such client_id", []bool{true, true, true}},
			{"client_id=any", 200, `{"revoked":2}`, []bool{false, false, true}},
			{"", 200, `{"revoked":1}`, []bool{false, false, false}},
			{"", 200, `{"revoked":0}`, []bool{false, false, false}},
		} {
			req := newAPI(t, "", "")
			req.Method, req.URL.Path, req.URL.RawQuery = http.MethodPost, oauth2test.RevokePath, step.query
			resp, body := do.text(t, req)
			assert.Equal(t, step.status, resp.StatusCode)
			assert.Contains(t, body, step.body)
			for n, token := range []oauth2test.Token{first, second, other} {
				assert.Equal(t, step.valid[n], issuer.Valid(token.Value))
			}
		}
	})
}

// As with a real issuer, a client that goes away changes nothing.
func TestClientGoneDuringLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		issuer := oauth2test.New(oauth2test.Config{Latency: time.Second, OnRequest: cancel})
		resp, err := issuer.RoundTripper().RoundTrip(newCall(ctx, t, issuer))
		if err == nil {
			_ = resp.Body.Close()
		}
		require.ErrorIs(t, err, context.Canceled)
		assert.Zero(t, issuer.Stats())
		time.Sleep(time.Second)
		synctest.Wait()
		assert.Equal(t, oauth2test.Stats{Calls: 1, Minted: 1}, issuer.Stats())
		call := issuer.Calls()[0]
		assert.Equal(t, time.Second, call.Answered.Sub(call.Arrived))
	})
}
