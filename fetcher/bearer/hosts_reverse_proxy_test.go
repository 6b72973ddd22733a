package bearer_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/bearer"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

// A reverse proxy on a Transport: what it passes on of the inbound request decides whether the
// API gets the app's token, and whether a rejection is seen. That of NewSingleHostReverseProxy
// passes on the Host, which names a foreign host.
func TestReverseProxies(t *testing.T) {
	api := &url.URL{Scheme: "https", Host: host}
	rewrite := func(change func(*httputil.ProxyRequest)) *httputil.ReverseProxy {
		return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(api) // and no Host but that
			change(r)
		}}
	}
	const callers, apps = "Bearer of-the-caller", "the app's"
	for edge, c := range map[string]struct {
		proxy   *httputil.ReverseProxy
		inbound http.Header
		sent    []string // what authorized each request that the API got
		code    string   // of the API's answer
		isGzip  bool
	}{
		"NewSingleHostReverseProxy": {
			proxy: httputil.NewSingleHostReverseProxy(api),
			sent:  []string{""}, code: `"code":99991661`,
		},
		"SetURL": {
			proxy: rewrite(func(*httputil.ProxyRequest) {}),
			sent:  []string{apps, apps}, code: `"code":0`,
		},
		"SetURL, and the inbound Host": {
			proxy: rewrite(func(r *httputil.ProxyRequest) { r.Out.Host = r.In.Host }),
			sent:  []string{""}, code: `"code":99991661`,
		},
		"the caller's Authorization": {
			proxy:   rewrite(func(*httputil.ProxyRequest) {}),
			inbound: http.Header{"Authorization": {callers}},
			sent:    []string{callers}, code: `"code":99991663`,
		},
		"the caller's Authorization, taken out": {
			proxy:   rewrite(func(r *httputil.ProxyRequest) { r.Out.Header.Del("Authorization") }),
			inbound: http.Header{"Authorization": {callers}},
			sent:    []string{apps, apps}, code: `"code":0`,
		},
		"the caller's Accept-Encoding": {
			proxy:   rewrite(func(*httputil.ProxyRequest) {}),
			inbound: http.Header{"Accept-Encoding": {"gzip"}},
			sent:    []string{apps}, code: `"code":99991663`, isGzip: true,
		},
		"the caller's Accept-Encoding, taken out": {
			proxy:   rewrite(func(r *httputil.ProxyRequest) { r.Out.Header.Del("Accept-Encoding") }),
			inbound: http.Header{"Accept-Encoding": {"gzip"}},
			sent:    []string{apps, apps}, code: `"code":0`,
		},
	} {
		t.Run(edge, func(t *testing.T) {
			s := newStage(t, feishutest.Config{}, func(b *bearer.Config) { b.Base = compressing(b.Base) })
			warm(t, s) // the first token is rejected
			c.proxy.Transport = s.client.Transport
			inbound := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://front.example"+feishutest.QueryPath, nil)
			for name := range c.inbound {
				inbound.Header.Set(name, c.inbound.Get(name))
			}
			answer := httptest.NewRecorder()
			c.proxy.ServeHTTP(answer, inbound)

			assert.Contains(t, plain(t, answer, c.isGzip), c.code)
			sent := s.authorizations()
			for i := range sent {
				if strings.HasPrefix(sent[i], "Bearer t-") {
					sent[i] = apps
				}
			}
			assert.Equal(t, c.sent, sent)
		})
	}
}

// compressing does what servers do if a client asks for it by itself.
func compressing(base http.RoundTripper) http.RoundTripper {
	return roundTrip(func(req *http.Request) (*http.Response, error) {
		resp, err := base.RoundTrip(req)
		if err != nil || req.Header.Get("Accept-Encoding") != "gzip" {
			return resp, err
		}
		var text bytes.Buffer
		w := gzip.NewWriter(&text)
		if _, err := io.Copy(w, resp.Body); err != nil {
			return nil, err
		}
		if err := w.Close(); err != nil {
			return nil, err
		}
		resp.Body, resp.ContentLength = io.NopCloser(&text), int64(text.Len())
		resp.Header.Del("Content-Length")
		resp.Header.Set("Content-Encoding", "gzip")
		return resp, nil
	})
}

// plain is the text of an answer.
func plain(t *testing.T, answer *httptest.ResponseRecorder, isGzip bool) string {
	t.Helper()
	if !isGzip {
		return answer.Body.String()
	}
	r, err := gzip.NewReader(answer.Body)
	require.NoError(t, err)
	text, err := io.ReadAll(r)
	require.NoError(t, err)
	return string(text)
}
