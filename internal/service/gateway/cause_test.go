package gateway_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/gateway"
	"github.com/onetoken-go/onetoken/internal/transport"
)

// elsewhere has an app's APIs at a URL, by the transport that the service has for them.
type elsewhere struct {
	*app
	url string
	api http.RoundTripper
}

func (s *stage) moves(url string) {
	pooled := transport.NewPooled(transport.Config{})
	s.t.Cleanup(pooled.CloseIdleConnections)
	s.vault["crm"] = elsewhere{s.vault["crm"].(*app), url, pooled}
}

func (e elsewhere) App() gateway.App {
	a := e.app.App()
	a.BaseURL, a.API = e.url, e.api
	return a
}

func (e elsewhere) Live(ctx context.Context) (gateway.Live, error) {
	live, err := e.app.Live(ctx)
	live.App = e.App()
	return live, err
}

// liar answers each request with text, made of the request and its body, and closes. The channel is closed when the other
// side has closed too.
func liar(t *testing.T, answer func(r *http.Request, body string) string) (url string, closed chan struct{}) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	closed = make(chan struct{})
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		in := bufio.NewReader(conn)
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		body, _ := io.ReadAll(r.Body)
		_, _ = io.WriteString(conn, answer(r, string(body)))
		_, _ = io.Copy(io.Discard, in)
		close(closed)
	}()
	return "http://" + l.Addr().String(), closed
}

// An answer that cannot be passed on is a 502, told as one, and the connection to the API is closed.
func TestAnswersThatAreNone(t *testing.T) {
	for name, c := range map[string]struct{ answer, words string }{
		"a status below 100":       {"HTTP/1.1 099 X\r\nContent-Length: 0\r\n\r\n", "a status below 200"},
		"nothing":                  {"", "closed the connection"},
		"no HTTP":                  {"TEXT OF THE API'S\r\n\r\n", "no HTTP that can be passed on"},
		"a switch that is bare":    {"HTTP/1.1 101 X\r\n\r\n", "nobody asked for"},
		"a switch to h2c":          {"HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", "nobody asked for"},
		"a switch to a WebSocket":  {"HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", "nobody asked for"},
		"a switch to what is none": {"HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: \xff\r\n\r\n", "nobody asked for"},
		"a bad length":             {"HTTP/1.1 200 OK\r\nContent-Length: TEXT\r\n\r\n", "no HTTP that can be passed on"},
		"two lengths":              {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "no HTTP that can be passed on"},
		"a huge header":            {"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 80<<10) + "\r\n\r\n", "no HTTP that can be passed on"},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			url, closed := liar(t, func(*http.Request, string) string { return c.answer })
			if c.answer == "" {
				l, err := net.Listen("tcp", "127.0.0.1:0")
				require.NoError(t, err)
				go func() {
					if conn, err := l.Accept(); err == nil {
						_, _ = http.ReadRequest(bufio.NewReader(conn))
						_ = conn.Close()
					}
					close(closed)
				}()
				t.Cleanup(func() { _ = l.Close() })
				url = "http://" + l.Addr().String()
			}
			s.moves(url)
			g := s.call(http.MethodPost, "/open-apis/x", s.standIn(), "{}")
			assert.Equal(t, 502, g.status)
			u := s.lastUse()
			assert.Equal(t, 502, u.Status)
			assert.Equal(t, "no answer", u.Refused)
			require.ErrorContains(t, u.Cause, c.words)
			assert.NotContains(t, u.Cause.Error(), "TEXT")
			<-closed
		})
	}
}

// An API that quotes what it got does not bring the app's secret, or a token, into what is told of the error.
func TestAPIThatQuotes(t *testing.T) {
	s := open(t)
	url, _ := liar(t, func(_ *http.Request, body string) string { return "HTTP/1.1 200 OK\r\n" + body + "\r\n\r\n" })
	s.moves(url)
	g := s.call(http.MethodPost, signInPath, "", `{"client_id":"cli_crm","client_secret":"`+botSecret+`"}`)
	assert.Equal(t, 502, g.status)
	assert.NotContains(t, fmt.Sprint(s.lastUse()), appSecret)

	s = open(t)
	url, _ = liar(t, func(r *http.Request, _ string) string {
		return "HTTP/1.1 200 OK\r\nContent-Length: " + r.Header.Get("Authorization") + "\r\n\r\n"
	})
	s.moves(url)
	g = s.call(http.MethodGet, "/open-apis/x", s.standIn(), "")
	assert.Equal(t, 502, g.status)
	assert.NotContains(t, fmt.Sprint(s.lastUse()), "REAL-token")
}

func TestAPIThatCannotBeReached(t *testing.T) {
	for url, words := range map[string]string{
		"http://127.0.0.1:1":    "dial: ",
		"http://api.invalid:80": "not found",
	} {
		s := open(t)
		s.moves(url)
		assert.Equal(t, 502, s.call(http.MethodGet, "/open-apis/x", s.standIn(), "").status)
		assert.ErrorContains(t, s.lastUse().Cause, words)
	}
	s := open(t)
	secured := httptest.NewTLSServer(s.api)
	defer secured.Close()
	secured.Config.ErrorLog = nil
	s.moves(secured.URL)
	assert.Equal(t, 502, s.call(http.MethodGet, "/open-apis/x", s.standIn(), "").status)
	assert.ErrorContains(t, s.lastUse().Cause, "certificate")
}

// Trailers pass in neither direction: nothing has cleaned them.
func TestTrailers(t *testing.T) {
	s := open(t)
	for name, isAnnounced := range map[string]bool{"announced": true, "not announced": false} {
		seen := make(chan http.Header, 1)
		s.api.does(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			seen <- r.Trailer
			key := http.TrailerPrefix + "Set-Cookie"
			if isAnnounced {
				key = "Set-Cookie"
				w.Header().Set("Trailer", key)
			}
			_, _ = io.WriteString(w, "x")
			_ = http.NewResponseController(w).Flush()
			w.Header().Set(key, "a=b")
		})
		r := s.request(http.MethodPost, "/open-apis/x", s.standIn(), "{}")
		r.ContentLength = -1
		r.Trailer = http.Header{"Cookie": {"c=d"}}
		res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, res.Body)
		require.NoError(t, err)
		_ = res.Body.Close()
		assert.Empty(t, res.Trailer, name)
		assert.Empty(t, res.Header["Trailer"], name)
		assert.Empty(t, <-seen, name)
	}
}

// HTTP/2 lets a blank pass where HTTP/1.1 would end the path.
func TestBlankInTheQuery(t *testing.T) {
	s := open(t)
	secured := httptest.NewUnstartedServer(s.Config.Handler)
	secured.EnableHTTP2 = true
	secured.TLS = &tls.Config{MinVersion: tls.VersionTLS13}
	secured.StartTLS()
	defer secured.Close()
	for query, status := range map[string]int{"a HTTP/1.0": 400, "a%20b": 200} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, secured.URL+"/open-apis/x", nil)
		require.NoError(t, err)
		r.URL.RawQuery = query
		r.Header.Set("Authorization", "Bearer "+s.standIn())
		res, err := secured.Client().Do(r)
		require.NoError(t, err)
		_ = res.Body.Close()
		assert.Equal(t, 2, res.ProtoMajor)
		assert.Equal(t, status, res.StatusCode, query)
	}
}
