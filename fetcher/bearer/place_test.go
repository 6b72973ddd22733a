package bearer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
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

// Servers copy the query into the Location. http.Client would make it the URL of its own request,
// which stands in its errors and in the Referer.
func TestTokenInALocation(t *testing.T) {
	for edge, c := range map[string]struct {
		location string // %s: the token
		next     string // the query of the next hop, %s as above; "": an error
		host     string
	}{
		"copied, within the host":      {"/x?a=b&access_token=%s", "a=b&access_token=%s", host},
		"copied, escaped":              {"/x?access%%5Ftoken=%s&a=b", "a=b&access_token=%s", host},
		"copied, to a foreign host":    {"https://evil.example/?access_token=%s&a=b", "a=b", "evil.example"},
		"not copied":                   {"/x?a=b", "a=b&access_token=%s", host},
		"another token of the API's":   {"/x?access_token=other", "access_token=other", host},
		"in another parameter":         {"/x?token=%s", "", ""},
		"in a URL within a parameter":  {"/login?next=https%%3A%%2F%%2Fopen.feishu.cn%%2Fx%%3Faccess_token%%3D%s", "", ""},
		"in a fragment":                {"/x#access_token=%s", "", ""},
		"in a path of a foreign host":  {"https://evil.example/%s", "", ""},
		"in what is no URL":            {"https://[/?access_token=%s", "", ""},
		"copied, and in another place": {"/%s?access_token=%[1]s", "", ""},
	} {
		t.Run(edge, func(t *testing.T) {
			var token string
			fill := func(format string) string {
				if !strings.Contains(format, "%") {
					return format
				}
				return fmt.Sprintf(format, token)
			}
			hops := 0
			s := newStage(t, feishutest.Config{}, func(b *bearer.Config) {
				b.Place = bearer.InQuery("access_token")
				b.Base = roundTrip(func(req *http.Request) (*http.Response, error) {
					if hops++; hops == 2 {
						return reply(200, jsonType, `{}`), nil
					}
					token = req.URL.Query().Get("access_token")
					resp := reply(http.StatusFound, "text/plain", "")
					resp.Header.Set("Location", fill(c.location))
					return resp, nil
				})
			})
			resp, err := s.client.Do(newRequest(t, http.MethodGet, query, nil))
			require.NotEmpty(t, token)
			if c.next == "" {
				require.ErrorContains(t, err, "redirects to a URL that holds the access token")
				assertHidden(t, err, token)
				assert.Len(t, s.sent, 1)
				return
			}
			require.NoError(t, err)
			resp.Body.Close()
			require.Len(t, s.sent, 2)
			assert.Equal(t, fill(c.next), s.sent[1].URL.RawQuery)
			assert.Equal(t, c.host, s.sent[1].URL.Host)
			assert.NotContains(t, fmt.Sprint(s.sent[1].Header), token)
		})
	}
}

// Over a socket: what a client gets to see of a request with the token in its query.
func TestQueryTokenIsHidden(t *testing.T) {
	var referer, got string
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/end" {
			referer = r.Header.Get("Referer")
			return
		}
		got = r.URL.Query().Get("access_token")
		http.Redirect(w, r, "/end?"+r.URL.RawQuery, http.StatusFound)
	}))
	base := &http.Transport{DisableKeepAlives: true}
	s := newStage(t, feishutest.Config{}, func(c *bearer.Config) {
		c.Hosts, c.Base, c.Place = []string{api.URL}, base, bearer.InQuery("access_token")
	})
	var log strings.Builder
	resp, err := s.client.Do(newRequest(t, http.MethodGet, api.URL+"/begin?a=b", nil))
	require.NoError(t, err)
	resp.Body.Close()
	token := s.issuer.Pairs()[0].Tenant
	require.Equal(t, token, got)
	assert.Equal(t, api.URL+"/begin?a=b", referer)
	slog.New(slog.NewTextHandler(&log, nil)).Info("done", "url", resp.Request.URL, "request", resp.Request)
	assert.NotContains(t, log.String(), token)

	api.Close()
	_, err = s.client.Do(newRequest(t, http.MethodGet, api.URL+"/begin", nil)) //nolint:bodyclose // there is none
	require.Error(t, err)
	assertHidden(t, err, token)
}

// A Base that is a client of its own quotes the URL that it called.
func TestErrorsOfBaseHideTheToken(t *testing.T) {
	cause := errors.New("refused")
	for name, broken := range map[string]func(*http.Request) error{
		"quoted":  func(r *http.Request) error { return &url.Error{Op: "Get", URL: r.URL.String(), Err: cause} },
		"wrapped": func(r *http.Request) error { return fmt.Errorf("call of %s: %w", r.URL, cause) },
		"a timeout": func(r *http.Request) error {
			return &url.Error{Op: "Get", URL: r.URL.String(), Err: context.DeadlineExceeded}
		},
		"in small chars": func(r *http.Request) error { return errors.New(strings.ToLower(r.URL.String())) },
	} {
		t.Run(name, func(t *testing.T) {
			token := "t+/SECRET=="
			s := newStage(t, feishutest.Config{}, func(c *bearer.Config) {
				c.Place, c.Source = bearer.InQuery("access_token"), gives{tokenOf(token)}
				c.Base = roundTrip(func(req *http.Request) (*http.Response, error) { return nil, broken(req) })
			})
			_, err := s.client.Do(newRequest(t, http.MethodGet, query, nil)) //nolint:bodyclose // there is none
			require.Error(t, err)
			assertHidden(t, err, token)
			var outer *url.Error
			require.ErrorAs(t, err, &outer)
			assert.Equal(t, name == "a timeout", outer.Timeout())
			assert.Equal(t, name == "a timeout", errors.Is(err, context.DeadlineExceeded))
			assert.Equal(t, name == "quoted" || name == "wrapped", errors.Is(err, cause))
		})
	}
}

// assertHidden looks at an error as it is printed, and at all that it wraps.
func assertHidden(t *testing.T, err error, token string) {
	t.Helper()
	for _, form := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d"} {
		for _, spelled := range []string{token, url.QueryEscape(token), url.PathEscape(token)} {
			assert.NotContains(t, fmt.Sprintf(form, err), spelled, form)
		}
	}
	for next := err; next != nil; next = errors.Unwrap(next) {
		assert.NotContains(t, next.Error(), token)
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
