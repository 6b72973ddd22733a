package bearer_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/bearer"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

func TestRedirects(t *testing.T) {
	const a, b = "https://a.example", "https://b.example"
	for _, c := range []struct {
		edge   string
		places []string
		tokens []bool
	}{
		{"within a host", []string{a, a + "/x", "/y"}, []bool{true, true, true}},
		{"to another of ours", []string{a, b}, []bool{true, true}},
		{"to a foreign host", []string{a, "https://c.example"}, []bool{true, false}},
		{"to a subdomain, whither net/http copies headers", []string{a, "https://sub.a.example"}, []bool{true, false}},
		{"to another port, whither net/http copies headers", []string{a, a + ":8443"}, []bool{true, false}},
		{"to http, whither net/http copies headers", []string{a, "http://a.example"}, []bool{true, false}},
		{"from a foreign host", []string{"https://c.example", a}, []bool{false, false}},
		{"out and back", []string{a, "https://c.example", a, a}, []bool{true, false, false, false}},
	} {
		t.Run(c.edge, func(t *testing.T) {
			assert.Equal(t, c.tokens, follow(t, []string{"a.example", "b.example"}, "", c.places...))
		})
	}
	t.Run("of a user's call, whose token net/http drops", func(t *testing.T) {
		assert.Equal(t, []bool{false, false}, follow(t, []string{"a.example", "b.example"}, "Bearer u-1", a, b))
	})
}

// A body that goes with a redirect goes whole to each hop, and once more where a hop rejects the token.
func TestRejectionAfterARedirectWithABody(t *testing.T) {
	for _, status := range []int{http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		var got []string
		s := newStage(t, feishutest.Config{MintEveryCall: true}, on(func(req *http.Request) (*http.Response, error) {
			body, err := io.ReadAll(req.Body)
			_ = req.Body.Close()
			got = append(got, req.URL.Path+" "+string(body))
			switch len(got) {
			case 1:
				resp := reply(status, "text/plain", "")
				resp.Header.Set("Location", "/elsewhere")
				return resp, err
			case 2:
				return reply(http.StatusBadRequest, jsonType, rejection), err
			}
			return reply(http.StatusOK, jsonType, `{"code":0}`), err
		}))
		code, _ := s.do(t, newRequest(t, http.MethodPost, message, strings.NewReader(goodMessage)))
		assert.Equal(t, http.StatusOK, code)
		assert.Equal(t, []string{feishutest.MessagesPath + " " + goodMessage, "/elsewhere " + goodMessage, "/elsewhere " + goodMessage}, got)
		tenants := s.tenants()
		require.Len(t, tenants, 2)
		assert.Equal(t, []string{tenants[0], tenants[0], tenants[1]}, s.authorizations())
	}
}

// The same over sockets: to net/http two ports of a host are one place.
func TestRedirectToAnotherPortOfThisHost(t *testing.T) {
	var stray http.Header
	foreign := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { stray = r.Header.Clone() }))
	defer foreign.Close()
	var got string
	ours := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Get("Authorization")
		http.Redirect(w, r, foreign.URL, http.StatusFound)
	}))
	defer ours.Close()

	s := newStage(t, feishutest.Config{}, func(c *bearer.Config) {
		c.Hosts, c.Base = []string{ours.Listener.Addr().String()}, &http.Transport{DisableKeepAlives: true}
	})
	req := newRequest(t, http.MethodGet, ours.URL, nil)
	req.Header.Set("X-Mine", "1")
	status, _ := s.do(t, req)
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, s.tenants()[0], got)
	assert.Equal(t, "1", stray.Get("X-Mine"), "what is the caller's is copied")
	assert.NotContains(t, fmt.Sprint(stray), s.issuer.Pairs()[0].Tenant)
	assert.NotContains(t, stray, "Authorization")
}

// follow makes a request that is redirected from each place to the next, and
// returns which of the hops had a token.
func follow(t *testing.T, hosts []string, own string, places ...string) (tokens []bool) {
	t.Helper()
	s := newStage(t, feishutest.Config{}, func(c *bearer.Config) {
		c.Hosts = hosts
		hop := 0
		c.Base = roundTrip(func(*http.Request) (*http.Response, error) {
			if hop++; hop == len(places) {
				return reply(http.StatusOK, jsonType, `{"code":0}`), nil
			}
			resp := reply(http.StatusTemporaryRedirect, "text/plain", "")
			resp.Header.Set("Location", places[hop])
			return resp, nil
		})
	})
	req := newRequest(t, http.MethodGet, places[0], nil)
	if own != "" {
		req.Header.Set("Authorization", own)
	}
	status, _ := s.do(t, req)
	require.Equal(t, http.StatusOK, status)
	for _, authorization := range s.authorizations() {
		tokens = append(tokens, authorization != "" && authorization != own)
	}
	return tokens
}
