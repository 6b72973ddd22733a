package listen_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/listen"
)

// What a gateway does: the proxy reads bodies in a goroutine of its own, also when the answer came first.
func TestAReverseProxyInFrontOfStreams(t *testing.T) {
	const size = 4 << 20
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/upload":
			n, err := io.Copy(io.Discard, r.Body)
			_, _ = fmt.Fprint(w, n, err)
		case "/refuse":
			http.Error(w, "no", http.StatusForbidden)
		case "/download":
			_, _ = io.CopyN(w, zeros{}, size)
		}
	}))
	defer behind.Close()
	for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
		t.Run(proto, func(t *testing.T) {
			expectNoGoroutines(t)
			authority := newAuthority(t)
			config := streams(listen.Config{Address: "127.0.0.1:0", StallTimeout: within, TLS: listen.NewTLS(authority.identity(t, nil))})
			s := serve(t, config, proxyTo(t, behind.URL))
			client := clientOf(t, &http.Transport{TLSClientConfig: &tls.Config{RootCAs: authority.pool}, ForceAttemptHTTP2: proto == "HTTP/2.0"})
			post := func(path string, body io.Reader) (int, string) {
				response, err := client.Post(s.url+path, "text/plain", body)
				require.NoError(t, err)
				defer response.Body.Close()
				assert.Equal(t, proto, response.Proto)
				all, err := io.ReadAll(response.Body)
				require.NoError(t, err)
				return response.StatusCode, string(all)
			}
			for range 3 {
				status, body := post("/upload", io.LimitReader(zeros{}, size))
				assert.Equal(t, "200 4194304 <nil>", fmt.Sprint(status, " ", body))
				status, body = post("/download", http.NoBody)
				assert.Equal(t, "200 4194304", fmt.Sprint(status, " ", len(body)))
				status, body = post("/refuse", strings.NewReader("short"))
				assert.Equal(t, "403 no\n", fmt.Sprint(status, " ", body))
			}
		})
	}
}

func TestWatchingAllocatesNothingPerCall(t *testing.T) {
	config := streams(listen.Config{StallTimeout: time.Hour})
	w, r, end := listen.Watch(config, discard{}, httptest.NewRequest(http.MethodPost, "/", zeros{}))
	defer end()
	piece, text := make([]byte, 100<<10), strings.Repeat("t", 100<<10)
	flusher := w.(http.Flusher)
	for name, call := range map[string]func(){
		"Write":       func() { _, _ = w.Write(piece) },
		"WriteString": func() { _, _ = io.WriteString(w, text) },
		"Flush":       flusher.Flush,
		"Read":        func() { _, _ = r.Body.Read(piece) },
	} {
		assert.Zero(t, testing.AllocsPerRun(100, call), name)
	}
}

// BenchmarkAWrite is of 1 KiB, to nobody.
func BenchmarkAWrite(b *testing.B) {
	config := streams(listen.Config{StallTimeout: time.Minute})
	w, _, end := listen.Watch(config, discard{}, httptest.NewRequest(http.MethodGet, "/", nil))
	defer end()
	for name, w := range map[string]http.ResponseWriter{"bare": discard{}, "watched": w} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			piece := make([]byte, 1<<10)
			for b.Loop() {
				_, _ = w.Write(piece)
			}
		})
	}
}

// BenchmarkADownload is of one piece after another, each flushed as a proxy does with a stream.
func BenchmarkADownload(b *testing.B) {
	for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
		for name, stall := range map[string]time.Duration{"bare": 0, "watched": time.Minute} {
			for _, size := range []int{1 << 10, 32 << 10} {
				b.Run(fmt.Sprintf("%s/%d_bytes/%s", proto, size, name), func(b *testing.B) {
					benchmarkDownload(b, proto, stall, size)
				})
			}
		}
	}
}

func benchmarkDownload(b *testing.B, proto string, stall time.Duration, size int) {
	b.ReportAllocs()
	b.SetBytes(int64(size))
	client, url := serveBenchmark(b, proto, stall, func(w http.ResponseWriter, _ *http.Request) {
		piece, flush := make([]byte, size), http.NewResponseController(w).Flush
		for b.Loop() {
			_, _ = w.Write(piece)
			_ = flush()
		}
	})
	response, err := client.Get(url)
	require.NoError(b, err)
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	require.NoError(b, err)
}

// BenchmarkARequest is a short one.
func BenchmarkARequest(b *testing.B) {
	for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
		for name, stall := range map[string]time.Duration{"bare": 0, "watched": time.Minute} {
			b.Run(proto+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				client, url := serveBenchmark(b, proto, stall, ok)
				for b.Loop() {
					get(client, url)
				}
			})
		}
	}
}

func serveBenchmark(b *testing.B, proto string, stall time.Duration, handler http.HandlerFunc) (*http.Client, string) {
	b.Helper()
	authority := newAuthority(b)
	config := streams(listen.Config{Address: "127.0.0.1:0", StallTimeout: stall})
	if proto == "HTTP/2.0" {
		config.TLS = listen.NewTLS(authority.identity(b, nil))
	}
	s := serve(b, config, handler)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: authority.pool}, ForceAttemptHTTP2: true}
	b.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}, s.url
}

// discard is a response of nobody.
type discard struct{}

func (discard) Header() http.Header               { return http.Header{} }
func (discard) Write(p []byte) (int, error)       { return len(p), nil }
func (discard) WriteString(s string) (int, error) { return len(s), nil }
func (discard) WriteHeader(int)                   {}
func (discard) Flush()                            {}
func (discard) SetReadDeadline(time.Time) error   { return nil }
func (discard) SetWriteDeadline(time.Time) error  { return nil }
