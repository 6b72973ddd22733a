package bearer_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/bearer"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache/tokencachetest"
)

func TestHosts(t *testing.T) {
	for _, c := range []struct {
		host string
		yes  []string
		no   []string
	}{
		{
			"open.feishu.cn",
			[]string{"https://open.feishu.cn/x?y", "https://OPEN.Feishu.cn", "https://open.feishu.cn:443", "https://open.feishu.cn.", "https://open.feishu.cn.:443/", "https://open.feishu.cn:"},
			[]string{"http://open.feishu.cn", "http://open.feishu.cn:443", "https://open.feishu.cn:8443", "https://open.feishu.cn..", "https://feishu.cn", "https://a.open.feishu.cn", "https://open.feishu.cn.evil.example", "https://evil.example/open.feishu.cn", "https://open.feishu.cn:x@evil.example", "https://open.feishu.c\u2099"},
		},
		{"Open.Feishu.CN.:443", []string{"https://open.feishu.cn"}, nil},
		{"https://open.feishu.cn/", []string{"https://open.feishu.cn"}, []string{"http://open.feishu.cn"}},
		{"larksuite.example", []string{"https://larksuite.example"}, []string{"https://lar\u212asuite.example"}},
		{"http://gateway.example", []string{"http://gateway.example:80/"}, []string{"https://gateway.example", "http://gateway.example:8080"}},
		{"HTTP://gateway.example:8080", []string{"http://gateway.example:8080/"}, []string{"http://gateway.example"}},
		{"127.0.0.1:9090", []string{"http://127.0.0.1:9090", "https://127.0.0.1:9090"}, []string{"http://127.0.0.1", "http://localhost:9090", "http://127.0.0.2:9090"}},
		{"localhost", []string{"http://localhost", "http://localhost:80", "https://localhost", "http://LOCALHOST."}, []string{"http://localhost:443", "https://localhost:80"}},
		{"https://127.0.0.1:9090", []string{"https://127.0.0.1:9090"}, []string{"http://127.0.0.1:9090"}},
		{"[0:0:0:0:0:0:0:1]:9090", []string{"http://[::1]:9090", "https://[::1]:9090"}, []string{"http://[::2]:9090"}},
		{"192.0.2.1", []string{"https://192.0.2.1"}, []string{"http://192.0.2.1"}},
	} {
		t.Run(c.host, func(t *testing.T) {
			s := newStage(t, feishutest.Config{}, on(func(*http.Request) (*http.Response, error) {
				return reply(http.StatusOK, jsonType, `{"code":0}`), nil
			}), func(b *bearer.Config) { b.Hosts = []string{c.host} })
			for _, url := range append(c.yes, c.no...) {
				s.do(t, newRequest(t, http.MethodGet, url, nil))
			}
			var got []string
			for i, authorization := range s.authorizations() {
				if strings.HasPrefix(authorization, "Bearer t-") {
					got = append(got, append(c.yes, c.no...)[i])
				}
			}
			assert.Equal(t, c.yes, got)
		})
	}
}

func TestHostsThatAreNone(t *testing.T) {
	source := tokencachetest.New(t).Source(tokencachetest.NewFetcher("cli_test"))
	for bad, want := range map[string]string{
		"":                           "names no host",
		"https://":                   "names no host",
		"https://.":                  "names no host",
		":443":                       "names no host",
		"ftp://open.feishu.cn":       "scheme",
		"//open.feishu.cn":           "names no host",
		"me:hush@open.feishu.cn":     "user name or password",
		"https://me:hu%zz@x":         "is no host",
		"*.feishu.cn":                "wildcard",
		"bücher.example":             "punycode",
		"open feishu.cn":             "is no host",
		"open.feishu.cn:0":           "1 to 65535",
		"open.feishu.cn:0443":        "1 to 65535",
		"open.feishu.cn:65536":       "1 to 65535",
		"open.feishu.cn:https":       "is no host",
		"open.feishu.cn/open-apis":   "more than scheme, host and port",
		"https://open.feishu.cn?a=b": "more than scheme, host and port",
		"https://open.feishu.cn#a":   "more than scheme, host and port",
	} {
		t.Run(bad, func(t *testing.T) {
			_, err := bearer.New(bearer.Config{Source: source, Hosts: []string{host, bad}})
			require.Error(t, err)
			assert.True(t, strings.HasPrefix(err.Error(), "bearer: Hosts[1] "), err.Error())
			assert.ErrorContains(t, err, want)
			assert.NotContains(t, err.Error(), "hush")
		})
	}
}

// A front end that many share goes by the Host header, a proxy by an opaque URL.
func TestOtherNamesOfTheHost(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*http.Request)
		token  bool
	}{
		"none":                {func(*http.Request) {}, true},
		"no Host header":      {func(r *http.Request) { r.Host = "" }, true},
		"the same":            {func(r *http.Request) { r.Host = "OPEN.feishu.cn:443" }, true},
		"another of ours":     {func(r *http.Request) { r.Host = "other.example" }, true},
		"a foreign one":       {func(r *http.Request) { r.Host = "evil.example" }, false},
		"opaque":              {func(r *http.Request) { r.URL.Opaque = "/open-apis/a%2fb" }, true},
		"opaque, with a host": {func(r *http.Request) { r.URL.Opaque = "//evil.example/" }, false},
		"opaque, absolute":    {func(r *http.Request) { r.URL.Opaque = "http://evil.example/" }, false},
		"no URL":              {func(r *http.Request) { r.URL = nil }, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, feishutest.Config{}, on(func(*http.Request) (*http.Response, error) {
				return reply(http.StatusOK, jsonType, `{"code":0}`), nil
			}), func(b *bearer.Config) { b.Hosts = []string{host, "other.example"} })
			req := newRequest(t, http.MethodGet, query, nil)
			c.change(req)
			resp, err := s.client.Transport.RoundTrip(req)
			require.NoError(t, err)
			resp.Body.Close()
			assert.Equal(t, c.token, s.authorizations()[0] != "")
		})
	}
}
