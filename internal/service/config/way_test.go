package config_test

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
)

func TestProxiesRefused(t *testing.T) {
	s := newStage(t)
	s.write("proxy", "http://me:"+password+"@proxy.example:port")
	edges := []edge{}
	for _, c := range [][2]string{
		{"proxy_url: 'http://me:" + inlineSecret + "@p:1'", "proxy_url: has a password in it, and no secret stands in this file: write the URL into a file and name that by proxy_url_file, or a variable by proxy_url_env"},
		{"proxy_url: 'http://me:" + inlineSecret + "%zz@p:1'", "proxy_url: is no URL that can be read: it has to look like http://proxy.example:3128; write %25 for a % in a password"},
		{"proxy_url: 'http:// " + inlineSecret + "'", "proxy_url: is no URL: its character 8 is a space"},
		{"proxy_url: '" + inlineSecret + ":1'", "proxy_url: has to begin with http://, https:// or socks5://, and to look like http://proxy.example:3128"},
		{"proxy_url: 'ftp://p'", "proxy_url: has to begin with http://, https:// or socks5://, and to look like http://proxy.example:3128"},
		{"proxy_url: 'http://:3128'", "proxy_url: names no host: it has to look like http://proxy.example:3128"},
		{"proxy_url: 'http://p:0'", "proxy_url: has a port outside of 1 to 65535"},
		{"proxy_url: 'http://p:65536'", "proxy_url: has a port outside of 1 to 65535"},
		{"proxy_url: 'http://p:1/" + inlineSecret + "'", "proxy_url: has more than scheme, user, password, host and port: leave the rest out"},
		{"proxy_url: 'http://p:1?'", "proxy_url: has more than scheme, user, password, host and port: leave the rest out"},
		{"proxy_url_file: proxy", "proxy_url_file: is no URL that can be read: it has to look like http://proxy.example:3128; write %25 for a % in a password"},
		{"ca_file: app", "ca_file: the file has no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----"},
		{"ca_file: none", "ca_file: the file cannot be taken: no such file or directory"},
	} {
		edges = append(edges, edge{withKeys + c[0] + "}]", []string{"1:78: credentials[0]." + c[1]}})
	}
	s.assertTold(edges)
}

// The proxy is asked for every request, with its password, and its refusal is told without it.
func TestProxy(t *testing.T) {
	asked := make(chan string, 1)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, given, _ := (&http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}).BasicAuth()
		asked <- r.Method + " " + r.Host + " " + given
		w.WriteHeader(http.StatusProxyAuthRequired)
	}))
	defer proxy.Close()
	s := newStage(t)
	s.variables["PROXY"] = strings.Replace(proxy.URL, "http://", "http://me:"+password+"@", 1)
	c := s.good(withKeys + "proxy_url_env: PROXY}]")
	_, err := c.Credentials[0].Fetcher.Fetch(t.Context())
	require.Error(t, err)
	assert.Equal(t, "CONNECT open.feishu.cn:443 "+password, <-asked)
	assertNoSecret(t, fmt.Sprintf("%v %+v %+v", err, err, c))
	refusal, ok := errors.AsType[*tokencache.IssuerError](err)
	require.True(t, ok)
	assert.Contains(t, refusal.Advice, "proxy's user and password")
}

// Calls of APIs go the way of calls for tokens, and to others of that way by the same connections.
func TestWayOfAPI(t *testing.T) {
	asked := make(chan string, 1)
	proxy := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.URL.String() }))
	defer proxy.Close()
	s := newStage(t)
	s.write("ca", newAuthority(t).pem())
	c := s.good(`credentials:
  - {name: a, kind: feishu, app_id: cli_1, app_secret_file: app, proxy_url: '` + proxy.URL + `'}
  - {name: b, kind: feishu, app_id: cli_2, app_secret_env: APP, proxy_url: '` + proxy.URL + `'}
  - {name: c, kind: feishu, app_id: cli_3, app_secret_file: app, proxy_url: '` + proxy.URL + `', ca_file: ca}
  - {name: d, kind: feishu, app_id: cli_4, app_secret_file: app}
  - {name: e, kind: oauth2, token_url: 'https://idp.example/t', client_id: x, client_secret_file: app}
`)
	a, b := c.Credentials[0], c.Credentials[1]
	assert.Same(t, a.API, b.API)
	assert.NotSame(t, a.API, c.Credentials[2].API, "other authorities")
	assert.NotSame(t, a.API, c.Credentials[3].API, "another proxy")
	assert.Equal(t, []string{appSecret, appSecret}, []string{a.Secret.Reveal(), b.Secret.Reveal()})
	assert.Nil(t, c.Credentials[4].API, "of a gateway's no use")
	assert.True(t, c.Credentials[4].Secret.IsZero())

	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:1/open-apis/x", nil)
	require.NoError(t, err)
	response, err := a.API.RoundTrip(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	assert.Equal(t, "http://127.0.0.1:1/open-apis/x", <-asked)
	pooled, ok := a.API.(*http.Transport)
	require.True(t, ok)
	assert.False(t, pooled.DisableKeepAlives)
	pooled.CloseIdleConnections()
}

// A proxy by SOCKS that refuses, and one that is not there, are told without the password.
func TestProxyThatFails(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	s := newStage(t)
	for _, scheme := range []string{"socks5", "http", "https"} {
		s.write("proxy", scheme+"://me:"+password+"@"+address+"\n")
		_, err := s.good(withKeys + "proxy_url_file: proxy}]").Credentials[0].Fetcher.Fetch(t.Context())
		require.Error(t, err)
		assert.Contains(t, err.Error(), "refused", scheme)
		assertNoSecret(t, fmt.Sprintf("%v %+v", err, err))
	}
}

// An issuer of a private authority is trusted by ca_file.
func TestCAFile(t *testing.T) {
	issuer := httptest.NewUnstartedServer(feishutest.New(feishutest.Config{AppID: "cli_1", AppSecret: appSecret}))
	issuer.Config.ErrorLog = quiet()
	issuer.StartTLS()
	defer issuer.Close()
	s := newStage(t)
	s.write("ca", encode("CERTIFICATE", issuer.Certificate().Raw))
	_, err := s.good(withKeys + "base_url: '" + issuer.URL + "', ca_file: ca}]").Credentials[0].Fetcher.Fetch(t.Context())
	require.NoError(t, err)
	_, err = s.good(withKeys + "base_url: '" + issuer.URL + "'}]").Credentials[0].Fetcher.Fetch(t.Context())
	assert.ErrorContains(t, err, "unknown authority")
}
