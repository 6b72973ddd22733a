package bearer_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/bearer"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
)

type tenantKey struct{}

// TestFor: each request has the token that For chose for it, and its rejection is told to that Source.
func TestFor(t *testing.T) {
	sources := map[string]*script{"one": {tokens: []string{"t-1", "t-2"}}, "two": {tokens: []string{"t-3"}}}
	asked := 0
	s := newStage(t, feishutest.Config{}, on(func(req *http.Request) (*http.Response, error) {
		if req.Header.Get("Authorization") == "Bearer t-1" {
			return reply(400, jsonType, rejection), nil
		}
		return reply(200, jsonType, `{"code":0}`), nil
	}), func(c *bearer.Config) {
		c.Source = nil
		c.For = func(req *http.Request) (bearer.Source, bearer.Kind) {
			asked++
			if source, ok := sources[req.Context().Value(tenantKey{}).(string)]; ok {
				return source, bearer.Access
			}
			return nil, 0
		}
	})
	for _, tenant := range []string{"one", "two", "none"} {
		req := newRequest(t, http.MethodGet, query, nil)
		s.do(t, req.WithContext(context.WithValue(t.Context(), tenantKey{}, tenant)))
	}
	assert.Equal(t, []string{"Bearer t-1", "Bearer t-2", "Bearer t-3", ""}, s.authorizations())
	assert.Equal(t, 3, asked, "once for each request")
	require.Len(t, sources["one"].told, 1)
	assert.True(t, sources["one"].told[0].Equal(tokenOf("t-1")))
	assert.Empty(t, sources["two"].told)

	s.do(t, newRequest(t, http.MethodGet, "https://evil.example/", nil))
	assert.Equal(t, 3, asked, "not for a host that gets no token")
}

// A For that looks into a map of pointers returns a nil one for what is not there: that is no Source.
func TestForWithANilPointer(t *testing.T) {
	sources := map[string]*tokencache.Source{}
	s := newStage(t, feishutest.Config{}, on(answers(`{"code":0}`)), func(c *bearer.Config) {
		c.Source, c.For = nil, func(*http.Request) (bearer.Source, bearer.Kind) { return sources["none"], bearer.Tenant }
	})
	req := newRequest(t, http.MethodGet, query, nil)
	s.do(t, req)
	assert.Equal(t, []string{""}, s.authorizations())
	assert.Same(t, req, s.sent[0], "sent as it is")
}

func TestForBesideSource(t *testing.T) {
	choose := func(*http.Request) (bearer.Source, bearer.Kind) { return nil, 0 }
	for _, c := range []bearer.Config{
		{For: choose, Source: gives{}, Hosts: []string{host}},
		{For: choose, Kind: bearer.App, Hosts: []string{host}},
	} {
		_, err := bearer.New(c)
		require.ErrorContains(t, err, "For is set beside Source or Kind")
	}
	_, err := bearer.New(bearer.Config{For: choose, Hosts: []string{host}, KeepBody: -1})
	assert.ErrorContains(t, err, "a KeepBody of -1")
}

// Access is the token of an issuer that has one kind, whichever it calls it.
func TestAccess(t *testing.T) {
	for want, tok := range map[string]tokencache.Token{
		"Bearer of-one-kind": tokencache.NewToken("of-one-kind", "", 1e12),
		"Bearer tenant":      tokencache.NewToken("", "tenant", 1e12),
		"Bearer app":         tokencache.NewToken("app", "tenant", 1e12),
	} {
		s := newStage(t, feishutest.Config{}, on(answers(`{}`)), func(c *bearer.Config) { c.Source, c.Kind = gives{tok}, bearer.Access })
		s.do(t, newRequest(t, http.MethodGet, query, nil))
		assert.Equal(t, []string{want}, s.authorizations())
	}
	assert.Equal(t, "access", bearer.Access.String())
}
