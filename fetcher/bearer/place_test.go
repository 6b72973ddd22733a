package bearer_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/bearer"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

func TestPlaces(t *testing.T) {
	for name, c := range map[string]struct {
		place bearer.Place
		says  string
		sent  func(token string) http.Header
		query func(token string) string
	}{
		"zero": {bearer.Place{}, "header Authorization, scheme Bearer", func(token string) http.Header {
			return http.Header{"Authorization": {"Bearer " + token}}
		}, nil},
		"another scheme": {bearer.InHeader("authorization", "Token"), "header Authorization, scheme Token", func(token string) http.Header {
			return http.Header{"Authorization": {"Token " + token}}
		}, nil},
		"another header": {bearer.InHeader("X-Access-Token", "Bearer"), "header X-Access-Token, scheme Bearer", func(token string) http.Header {
			return http.Header{"X-Access-Token": {"Bearer " + token}}
		}, nil},
		"without a scheme": {bearer.InHeader("x-access-token", ""), "header X-Access-Token", func(token string) http.Header {
			return http.Header{"X-Access-Token": {token}}
		}, nil},
		"query": {bearer.InQuery("access_token"), "query parameter access_token", func(string) http.Header {
			return http.Header{}
		}, func(token string) string { return "a=b&c;d&access_token=" + token }},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, feishutest.Config{}, on(answers(`{"code":0,"msg":""}`)), func(c2 *bearer.Config) { c2.Place = c.place })
			req := newRequest(t, http.MethodGet, query+"?a=b&c;d", nil)
			resp, err := s.client.Transport.RoundTrip(req)
			require.NoError(t, err)
			resp.Body.Close()
			token := s.issuer.Pairs()[0].Tenant
			assert.Equal(t, c.sent(token), s.sent[0].Header)
			want := "a=b&c;d"
			if c.query != nil {
				want = c.query(token)
			}
			assert.Equal(t, want, s.sent[0].URL.RawQuery)
			assert.Equal(t, "a=b&c;d", req.URL.RawQuery, "the caller's request is the caller's")
			assert.Same(t, req, resp.Request)
			assert.Equal(t, c.says, c.place.String())
		})
	}
	assert.Equal(t, bearer.Place{}, bearer.InHeader("authorization", "Bearer"))
	assert.NotEqual(t, bearer.Place{}, bearer.InHeader("Authorization", ""))
}

// A token is escaped, as it may hold what parts a query.
func TestTokenIsEscapedInAQuery(t *testing.T) {
	const token = "a+b/c==&x=1"
	var got string
	s := newStage(t, feishutest.Config{}, on(func(req *http.Request) (*http.Response, error) {
		got = req.URL.Query().Get("access token")
		return reply(200, jsonType, `{}`), nil
	}), func(c *bearer.Config) { c.Place, c.Source = bearer.InQuery("access token"), gives{tokenOf(token)} })
	s.do(t, newRequest(t, http.MethodGet, query, nil))
	assert.Equal(t, token, got)
}

// What a request has of its own there is sent, and nothing else.
func TestOwnTokenInThatPlaceIsLeftAlone(t *testing.T) {
	header, param := bearer.InHeader("X-Access-Token", ""), bearer.InQuery("access_token")
	for name, c := range map[string]struct {
		place  bearer.Place
		query  string
		header http.Header
		sent   bool // the app's
	}{
		"header":                       {header, "", http.Header{"X-Access-Token": {"own"}}, false},
		"header, another spelling":     {header, "", http.Header{"x-access-TOKEN": {"own"}}, false},
		"header, none wanted":          {header, "", http.Header{"X-Access-Token": nil}, false},
		"header, and an Authorization": {header, "", http.Header{"Authorization": {"Basic x"}}, true},
		"query":                        {param, "a=b&access_token=own", nil, false},
		"query, escaped":               {param, "access%5Ftoken=own", nil, false},
		"query, without a value":       {param, "access_token", nil, false},
		"query, another name":          {param, "Access_Token=x&x=access_token", nil, true},
		"query, and an Authorization":  {param, "", http.Header{"Authorization": {"Basic x"}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, feishutest.Config{}, on(answers(`{}`)), func(b *bearer.Config) { b.Place = c.place })
			req := newRequest(t, http.MethodGet, query+"?"+c.query, nil)
			if c.header != nil {
				req.Header = c.header
			}
			s.do(t, req)
			assert.Equal(t, c.sent, s.calls() == 1)
			assert.Equal(t, c.sent, s.sent[0] != req, "sent as it is")
		})
	}
}

func TestPlacesThatAreNone(t *testing.T) {
	for want, place := range map[string]bearer.Place{
		"parameter without a name": bearer.InQuery(""),
		"header without a name":    bearer.InHeader("", "Token"),
		"no header can have":       bearer.InHeader("X Token", ""),
		"not one word":             bearer.InHeader("X-Token", "Bearer "),
		"net/http writes itself":   bearer.InHeader("host", ""),
		"header Content-Length":    bearer.InHeader("content-length", ""),
	} {
		_, err := bearer.New(bearer.Config{Source: gives{}, Hosts: []string{host}, Place: place})
		assert.ErrorContains(t, err, want)
	}
}

// answers gives the same reply to every request.
func answers(body string) roundTrip {
	return func(req *http.Request) (*http.Response, error) {
		if req.Body != nil {
			_, _ = io.Copy(io.Discard, req.Body)
			_ = req.Body.Close()
		}
		return reply(http.StatusOK, jsonType, body), nil
	}
}
