package gateway_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What tells of the way here, what is for this connection alone, and cookies stay here; all else goes on.
func TestHeadersOnTheWayThere(t *testing.T) {
	s := open(t)
	r := s.request(http.MethodPost, messagesPath, s.standIn(), "{}")
	kept := map[string]string{
		"X-Lark-Whatever": "1", "Accept": "text/plain", "User-Agent": "oapi-node-sdk/1.0.0", "Range": "bytes=0-1",
		"X-Lark-Helpdesk-Authorization": "Basic abc", "Content-Type": "application/json; charset=utf-8", "Locale": "zh",
	}
	dropped := map[string]string{
		"Cookie": "session=1", "Forwarded": "for=1.1.1.1", "X-Forwarded-For": "1.1.1.1", "X-Forwarded-Host": "evil", "X-Forwarded-Proto": "https",
		"X-Forwarded-Port": "1", "X-Forwarded-Prefix": "/x", "X-Real-Ip": "1.1.1.1", "X-Client-Ip": "1.1.1.1", "True-Client-Ip": "1.1.1.1",
		"Via": "1.1 x", "X-Original-Url": "/admin", "X-Rewrite-Url": "/admin", "X-Http-Method-Override": "DELETE", "X-Host": "evil",
		"Cf-Connecting-Ip": "1.1.1.1", "X_forwarded_for": "1.1.1.1", "X_real-Ip": "1.1.1.1", "Client-Ip": "1.1.1.1", "X-Remote-Addr": "1.1.1.1", "X-Envoy-External-Address": "1.1.1.1", "Ali-Cdn-Real-Ip": "1.1.1.1", "Wl-Proxy-Client-Ip": "1.1.1.1", "Accept-Encoding": "br", "Keep-Alive": "timeout=5", "Proxy-Authorization": "Basic abc", "Proxy-Connection": "close", "Te": "gzip",
		"X-Named": "1", "Upgrade": "h2c", "Http2-Settings": "AAMAAABkAAQAAP__",
	}
	for name, value := range kept {
		r.Header.Set(name, value)
	}
	for name, value := range dropped {
		r.Header.Set(name, value)
	}
	r.Header.Set("Connection", "X-Named, Upgrade, HTTP2-Settings, Authorization")
	assert.Equal(t, 0, s.send(r).Code)
	got := s.api.last(t)
	for name, value := range kept {
		assert.Equal(t, value, got.header.Get(name), name)
	}
	for name, value := range dropped {
		assert.NotContains(t, got.header[name], value, name) // this test's transport asks for gzip itself
	}
	assert.Empty(t, got.header.Values("Connection"))
	assert.Equal(t, []string{"Bearer t-REAL-token-cli_crm-1"}, got.header.Values("Authorization"), "the gateway's own, whatever Connection names")
}

// A client without User-Agent or Accept-Encoding sends none.
func TestNoHeadersOfOurOwn(t *testing.T) {
	s := open(t)
	s.raw("GET /open-apis/x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + s.standIn() + "\r\nConnection: close\r\n\r\n")
	got := s.api.last(t)
	assert.Empty(t, got.header.Values("User-Agent"))
	for name := range got.header {
		assert.Contains(t, []string{"Authorization", "Accept-Encoding"}, name) // the second is this test's transport's: see package transport
	}
}

func TestHeadersOnTheWayBack(t *testing.T) {
	s := open(t)
	s.api.does(func(w http.ResponseWriter, _ *http.Request) {
		for _, name := range []string{"Set-Cookie", "Alt-Svc", "Strict-Transport-Security", "Access-Control-Allow-Origin", "Clear-Site-Data", "X-Tt-Logid"} {
			w.Header().Set(name, "x=1")
		}
		w.Header().Set("Content-Type", "text/csv")
		w.Header().Set("Content-Disposition", `attachment; filename="x"`)
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "a,b")
	})
	g := s.call(http.MethodGet, "/open-apis/x", s.standIn(), "")
	assert.Equal(t, http.StatusTeapot, g.status)
	assert.Equal(t, "a,b", g.body)
	assert.Equal(t, "x=1", g.header.Get("X-Tt-Logid"))
	assert.Equal(t, "text/csv", g.header.Get("Content-Type"))
	assert.Equal(t, `attachment; filename="x"`, g.header.Get("Content-Disposition"))
	for _, name := range []string{"Set-Cookie", "Alt-Svc", "Strict-Transport-Security", "Access-Control-Allow-Origin", "Clear-Site-Data"} {
		assert.Empty(t, g.header.Values(name), name)
	}
	assert.Empty(t, s.lastUse().Refused, "what the API says is its own")
}

// A redirect is passed on, and never followed: a token would go where it leads.
func TestRedirects(t *testing.T) {
	s := open(t)
	elsewhere := newAPI(t)
	for _, status := range []int{301, 302, 303, 307, 308} {
		s.api.does(func(w http.ResponseWriter, r *http.Request) {
			s.api.take(r)
			w.Header().Set("Location", elsewhere.URL+"/open-apis/x")
			w.WriteHeader(status)
		})
		before := len(s.api.requests())
		g := s.call(http.MethodGet, "/open-apis/x", s.standIn(), "")
		assert.Equal(t, status, g.status)
		assert.Equal(t, elsewhere.URL+"/open-apis/x", g.header.Get("Location"))
		assert.Len(t, s.api.requests(), before+1)
	}
	assert.Empty(t, elsewhere.requests())
}

// Interim responses stay here: nothing has cleaned their headers.
func TestInterimResponses(t *testing.T) {
	s := open(t)
	s.api.does(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</x>")
		w.Header().Set("Set-Cookie", "a=b")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Set-Cookie")
		_, _ = io.WriteString(w, "{}")
	})
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "GET /open-apis/x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\nConnection: close\r\n\r\n", s.standIn())
	require.NoError(t, err)
	answer, err := io.ReadAll(conn)
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(string(answer), "HTTP/1.1 200 OK\r\n"), "%s", answer)
	assert.NotContains(t, string(answer), "Set-Cookie")
}

// Each event is passed on when it comes, and the API is left when the client goes.
func TestEvents(t *testing.T) {
	s := open(t)
	next, gone := make(chan string), make(chan struct{})
	s.api.does(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for {
			select {
			case text := <-next:
				_, _ = io.WriteString(w, "data: "+text+"\n\n")
				_ = http.NewResponseController(w).Flush()
			case <-r.Context().Done():
				close(gone)
				return
			}
		}
	})
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	r := s.request(http.MethodGet, "/open-apis/events", s.standIn(), "").WithContext(ctx)
	go func() { next <- "1" }()
	res, err := http.DefaultTransport.RoundTrip(r)
	require.NoError(t, err)
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	for _, want := range []string{"1", "2", "3"} {
		if want != "1" {
			next <- want
		}
		require.True(t, lines.Scan())
		assert.Equal(t, "data: "+want, lines.Text())
		lines.Scan()
	}
	leave()
	<-gone
	assert.Equal(t, 200, s.lastUse().Status, "told when it began")
}

// The body goes on while it comes, and the answer may come before its end.
func TestStreamedUpload(t *testing.T) {
	s := open(t)
	arrived := make(chan string)
	s.api.does(func(w http.ResponseWriter, r *http.Request) {
		part := make([]byte, 5)
		for {
			n, err := io.ReadFull(r.Body, part)
			if err != nil {
				break
			}
			arrived <- string(part[:n])
		}
		_, _ = io.WriteString(w, "done")
	})
	body, feed := io.Pipe()
	r := s.request(http.MethodPut, "/open-apis/x", s.standIn(), "")
	r.Body, r.ContentLength = body, -1
	answered := make(chan got, 1)
	go func() { answered <- s.send(r) }()
	for _, part := range []string{"part1", "part2", "part3"} {
		_, err := io.WriteString(feed, part)
		require.NoError(t, err)
		assert.Equal(t, part, <-arrived)
	}
	require.NoError(t, feed.Close())
	assert.Equal(t, "done", (<-answered).body)
}

// A WebSocket passes in both directions; another protocol is not asked for.
func TestUpgrade(t *testing.T) {
	s := open(t)
	s.api.does(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "websocket" {
			_, _ = io.WriteString(w, "plain")
			return
		}
		assert.Equal(t, "Bearer t-REAL-token-cli_crm-1", r.Header.Get("Authorization"))
		conn, rw, err := http.NewResponseController(w).Hijack()
		if !assert.NoError(t, err) {
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSet-Cookie: a=b\r\n\r\n")
		_ = rw.Flush()
		line, _ := rw.ReadString('\n')
		_, _ = io.WriteString(rw, "echo "+line)
		_ = rw.Flush()
	})
	dial := func(protocol string) (net.Conn, *bufio.Reader, int, http.Header) {
		conn, err := net.Dial("tcp", s.Listener.Addr().String())
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		_, err = fmt.Fprintf(conn, "GET /open-apis/x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n", s.standIn(), protocol)
		require.NoError(t, err)
		read := bufio.NewReader(conn)
		res, err := http.ReadResponse(read, nil)
		require.NoError(t, err)
		defer res.Body.Close()
		return conn, read, res.StatusCode, res.Header
	}
	conn, read, status, header := dial("websocket")
	assert.Equal(t, 101, status)
	assert.Empty(t, header.Values("Set-Cookie"))
	_, err := io.WriteString(conn, "hello\n")
	require.NoError(t, err)
	line, err := read.ReadString('\n')
	require.NoError(t, err)
	assert.Equal(t, "echo hello\n", line)
	_, _, status, _ = dial("h2c")
	assert.Equal(t, 200, status)
}

// A client that leaves before the answer takes the call with it, and is told of as gone.
func TestClientThatLeaves(t *testing.T) {
	s := open(t)
	came, gone := make(chan struct{}), make(chan struct{})
	s.api.does(func(_ http.ResponseWriter, r *http.Request) {
		close(came)
		<-r.Context().Done()
		close(gone)
	})
	ctx, leave := context.WithCancel(t.Context())
	go func() {
		<-came
		leave()
	}()
	res, err := http.DefaultTransport.RoundTrip(s.request(http.MethodGet, "/open-apis/x", s.standIn(), "").WithContext(ctx))
	if res != nil {
		res.Body.Close()
	}
	require.ErrorIs(t, err, context.Canceled)
	<-gone
	require.Eventually(t, func() bool { return s.lastUse().Status == 499 }, 5*time.Second, time.Millisecond)
}
