package listen_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/listen"
)

// within is how long tests wait for what has to happen.
const within = 20 * time.Second

// Each kind of listener answers, finishes what is under way, refuses what comes later, and ends.
func TestARequestUnderWayFinishesAndNewOnesAreRefused(t *testing.T) {
	for name, open := range kinds {
		t.Run(name, func(t *testing.T) {
			expectNoGoroutines(t)
			config, client := open(t)
			began, release := make(chan struct{}), make(chan struct{})
			s := serve(t, config, func(w http.ResponseWriter, _ *http.Request) {
				close(began)
				<-release
				_, _ = io.WriteString(w, "finished")
			})
			answered := make(chan string, 1)
			go func() { answered <- get(client, s.url) }()
			<-began
			s.end()
			require.Eventually(t, func() bool {
				conn, err := net.Dial(s.listener.Addr().Network(), s.listener.Addr().String())
				if err == nil {
					_ = conn.Close()
				}
				return err != nil
			}, within, time.Millisecond, "new connections are refused")
			close(release)
			assert.Equal(t, "200 finished", <-answered)
			assert.NoError(t, <-s.done)
		})
	}
}

func TestGraceIsOver(t *testing.T) {
	for name, open := range kinds {
		t.Run(name, func(t *testing.T) {
			expectNoGoroutines(t)
			config, client := open(t)
			config.Grace = 50 * time.Millisecond
			began, told := make(chan struct{}), make(chan struct{})
			s := serve(t, config, func(_ http.ResponseWriter, r *http.Request) {
				close(began)
				<-r.Context().Done()
				close(told)
			})
			answered := make(chan string, 1)
			go func() { answered <- get(client, s.url) }()
			<-began
			s.end()
			err := <-s.done
			assert.ErrorIs(t, err, listen.ErrCutOff)
			assert.ErrorContains(t, err, "requests were cut off: 1 were under way after 45ms")
			<-told
			<-answered // or an error, if 5 ms are too short
		})
	}
}

func TestGraceInAll(t *testing.T) {
	for name, c := range map[string]struct {
		wait   func(context.Context)
		want   time.Duration
		answer string
	}{
		"a handler that minds its context": {func(ctx context.Context) { <-ctx.Done() }, 9 * time.Second, "HTTP/1.1 200 OK"},
		"one that does not":                {func(context.Context) { time.Sleep(time.Hour) }, 10 * time.Second, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := servePipes(t, listen.Config{}, func(_ http.ResponseWriter, r *http.Request) { c.wait(r.Context()) })
				conn := p.dial(t)
				_, err := io.WriteString(conn, hello)
				require.NoError(t, err)
				answered := make(chan string, 1)
				go func() {
					all, _ := io.ReadAll(conn)
					line, _, _ := strings.Cut(string(all), "\r\n")
					answered <- line
				}()
				synctest.Wait()
				began := time.Now()
				p.end()
				assert.EqualError(t, <-p.done, "requests were cut off: 1 were under way after 9s")
				assert.InDelta(t, c.want, time.Since(began), float64(10*time.Millisecond), "net/http polls")
				assert.Equal(t, c.answer, <-answered)
				time.Sleep(2 * time.Hour) // for the handler
			})
		})
	}
}

// Net/http alone gives it 5 s, and the end would not be in time.
func TestAConnectionWithoutARequestDoesNotDelayTheEnd(t *testing.T) {
	for name, open := range kinds {
		t.Run(name, func(t *testing.T) {
			expectNoGoroutines(t)
			config, _ := open(t)
			config.Grace = 3 * time.Second
			s := serve(t, config, ok)
			var silent []net.Conn
			for range 3 {
				silent = append(silent, s.dial(t))
			}
			_, err := io.WriteString(silent[1], "GET / HTTP/1.1\r\nHos")
			require.NoError(t, err)
			s.end()
			assert.NoError(t, <-s.done)
			for _, conn := range silent {
				assertClosed(t, conn)
			}
		})
	}
}

func TestAnIdleConnectionIsClosedAtTheEnd(t *testing.T) {
	expectNoGoroutines(t)
	s := serve(t, listen.Config{Address: "127.0.0.1:0"}, ok)
	conn := s.dial(t)
	assert.Equal(t, "200 OK", ask(t, conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
	s.end()
	assert.NoError(t, <-s.done)
	assertClosed(t, conn)
}

func TestAContextThatHasEnded(t *testing.T) {
	expectNoGoroutines(t)
	for range 100 {
		listener, err := listen.Open(t.Context(), listen.Config{Address: "127.0.0.1:0"})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		assert.NoError(t, listener.Serve(ctx, http.NotFoundHandler()))
		_, err = net.Dial("tcp", listener.Addr().String())
		assert.Error(t, err)
	}
}

func TestHandlersSeeTheValuesOfTheContextAndNotItsEnd(t *testing.T) {
	expectNoGoroutines(t)
	type key struct{}
	ctx, cancel := context.WithCancel(context.WithValue(context.Background(), key{}, "value"))
	defer cancel()
	listener, err := listen.Open(ctx, listen.Config{Address: "127.0.0.1:0"})
	require.NoError(t, err)
	var value any
	var ended error
	done := make(chan error, 1)
	go func() {
		done <- listener.Serve(ctx, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			cancel()
			value, ended = r.Context().Value(key{}), r.Context().Err()
		}))
	}()
	get(plainClient(t), "http://"+listener.Addr().String())
	require.NoError(t, <-done)
	assert.Equal(t, "value", value)
	assert.NoError(t, ended)
}

func TestServeTwice(t *testing.T) {
	expectNoGoroutines(t)
	s := serve(t, listen.Config{Address: "127.0.0.1:0"}, ok)
	assert.Equal(t, "200 OK", get(plainClient(t), s.url))
	assert.EqualError(t, s.listener.Serve(t.Context(), http.NotFoundHandler()), "serve was called before")
	assert.Equal(t, "200 OK", get(plainClient(t), s.url), "the first goes on")
}

func TestCloseWithoutServe(t *testing.T) {
	for name, open := range kinds {
		t.Run(name, func(t *testing.T) {
			expectNoGoroutines(t)
			config, _ := open(t)
			listener, err := listen.Open(t.Context(), config)
			require.NoError(t, err)
			assert.NoError(t, listener.Close())
			assert.NoError(t, listener.Close(), "a second time it does nothing")
			if config.Socket != "" {
				assert.NoFileExists(t, config.Socket)
			}
			_, err = net.Dial(listener.Addr().Network(), listener.Addr().String())
			assert.Error(t, err)
		})
	}
}

func TestCloseEndsServe(t *testing.T) {
	expectNoGoroutines(t)
	s := serve(t, listen.Config{Address: "127.0.0.1:0"}, ok)
	assert.Equal(t, "200 OK", get(plainClient(t), s.url))
	require.NoError(t, s.listener.Close())
	assert.ErrorIs(t, <-s.done, net.ErrClosed)
}

// kinds are the listeners there are, each with a client that connects to nothing else.
var kinds = map[string]func(t *testing.T) (listen.Config, *http.Client){
	"tcp": func(t *testing.T) (listen.Config, *http.Client) {
		return listen.Config{Address: "127.0.0.1:0"}, plainClient(t)
	},
	"http2": func(t *testing.T) (listen.Config, *http.Client) {
		authority := newAuthority(t)
		config := listen.Config{Address: "127.0.0.1:0", TLS: listen.NewTLS(authority.identity(t, nil))}
		return config, secureClient(t, &tls.Config{RootCAs: authority.pool})
	},
	"unix": func(t *testing.T) (listen.Config, *http.Client) {
		path := filepath.Join(socketDir(t), "s")
		return listen.Config{Socket: path}, socketClient(t, path)
	},
}

func ok(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "OK") }

// served is a Listener that serves until the test ends.
type served struct {
	listener *listen.Listener
	url      string
	end      context.CancelFunc
	done     chan error // what Serve returned, once
}

func serve(t testing.TB, config listen.Config, handler http.HandlerFunc) *served {
	t.Helper()
	listener, err := listen.Open(t.Context(), config)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	s := &served{listener: listener, url: "http://socket", end: cancel, done: make(chan error, 1)}
	if config.Socket == "" {
		s.url = "http://" + listener.Addr().String()
	}
	if config.TLS != nil {
		s.url = "https://" + listener.Addr().String()
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.done <- listener.Serve(ctx, handler)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return s
}

// dial connects, without TLS.
func (s *served) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial(s.listener.Addr().Network(), s.listener.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// get returns the status and the body, or that there was an error.
func get(client *http.Client, url string) string {
	response, err := client.Get(url)
	if err != nil {
		return "error: " + err.Error()
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return "error: " + err.Error()
	}
	return response.Status[:4] + string(body)
}

// ask writes a request to a connection, and returns the status and the body of the response.
func ask(t *testing.T, conn net.Conn, request string) string {
	t.Helper()
	require.NoError(t, conn.SetDeadline(time.Now().Add(within)))
	_, err := io.WriteString(conn, request)
	require.NoError(t, err)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.Status[:4] + string(body)
}

// assertClosed waits until the other side closes.
func assertClosed(t *testing.T, conn net.Conn) {
	t.Helper()
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(within)))
	_, err := io.Copy(io.Discard, conn)
	assert.NotErrorIs(t, err, os.ErrDeadlineExceeded, "it stays open")
}

func plainClient(t *testing.T) *http.Client { return clientOf(t, &http.Transport{}) }

func secureClient(t *testing.T, config *tls.Config) *http.Client {
	return clientOf(t, &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true})
}

func socketClient(t *testing.T, path string) *http.Client {
	return clientOf(t, &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, "unix", path)
	}})
}

func clientOf(t *testing.T, transport *http.Transport) *http.Client {
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: within}
}

// socketDir is short enough for a socket on macOS, where t.TempDir is not.
func socketDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "listen")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// expectNoGoroutines waits at the end of the test until there are as few goroutines as now.
func expectNoGoroutines(t *testing.T) {
	t.Helper()
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		if !assert.Eventually(t, func() bool { return runtime.NumGoroutine()-1 <= before }, within, time.Millisecond, "goroutines are left") {
			stacks := make([]byte, 1<<20)
			t.Logf("%s", stacks[:runtime.Stack(stacks, true)])
		}
	})
}

// journal collects what is logged, at debug.
type journal struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(line)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func (j *journal) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(j, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
}
