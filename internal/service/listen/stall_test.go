package listen_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/listen"
)

// limit is the StallTimeout of most tests.
const limit = 30 * time.Second

func watched(config listen.Config) listen.Config {
	config.StallTimeout = limit
	return streams(config)
}

const post100 = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n"

func TestABodyThatStalls(t *testing.T) {
	for name, request := range map[string]string{
		"with a length":  post100 + "\r\n1234567890",
		"in chunks":      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\na\r\n1234567890\r\n",
		"before a chunk": "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
		"before it":      post100 + "\r\n",
		"bounded":        post100 + "\r\n1234567890",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				config := watched(listen.Config{})
				if name == "bounded" {
					config.MaxBodyBytes = 1 << 10
				}
				p := servePipes(t, config, func(w http.ResponseWriter, r *http.Request) {
					time.Sleep(time.Hour) // the client owes nothing while nobody reads
					began := time.Now()
					_, err := io.ReadAll(r.Body)
					assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
					assert.Equal(t, limit, time.Since(began))
					time.Sleep(time.Hour)
					http.Error(w, "you stalled", http.StatusRequestTimeout)
				})
				conn := p.dial(t)
				_, err := io.WriteString(conn, request)
				require.NoError(t, err)
				assert.Equal(t, "408 you stalled\n", answer(t, conn), "the handler can say so")
				assert.True(t, isClosed(t, conn), "what comes then would not be a request")
			})
		})
	}
}

func TestABodyThatComesSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := servePipes(t, watched(listen.Config{}), func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			assert.NoError(t, err)
			time.Sleep(time.Hour)
			_, _ = fmt.Fprint(w, len(body), r.Context().Err())
		})
		conn := p.dial(t)
		for range 3 { // on one connection
			_, err := io.WriteString(conn, post100+"\r\n")
			require.NoError(t, err)
			for range 100 {
				time.Sleep(limit - 1)
				_, err = io.WriteString(conn, "b")
				require.NoError(t, err)
			}
			assert.Equal(t, "200 100 <nil>", answer(t, conn))
			time.Sleep(time.Minute - 1)
		}
		synctest.Wait()
		time.Sleep(time.Nanosecond)
		assert.True(t, isClosed(t, conn), "the IdleTimeout is what it was")
	})
}

// Net/http reads on in it, so that it can read the next request, or that the client sees the answer.
func TestABodyThatTheHandlerLeaves(t *testing.T) {
	const tooLong = "X: 1234567890\r\n"
	refuse := func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) }
	for name, c := range map[string]struct {
		request          string
		handler          http.HandlerFunc
		want             string // nothing: no answer
		answered, closed time.Duration
	}{
		"all of it":        {post100 + "\r\n" + strings.Repeat("b", 100), refuse, "403 no\n", 0, time.Minute},
		"a part":           {post100 + "\r\n1234567890", refuse, "403 no\n", limit, limit},
		"in chunks":        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nb\r\n", refuse, "403 no\n", limit, limit},
		"a huge one":       {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nb", refuse, "403 no\n", 0, 0},
		"asked for":        {post100 + "Expect: 100-continue\r\n\r\n", refuse, "403 no\n", 0, limit},
		"a long answer":    {post100 + "\r\n1234567890", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(long) }, "200 " + string(long), limit, limit},
		"a flushed answer": {post100 + "\r\n1234567890", func(w http.ResponseWriter, r *http.Request) { refuse(w, r); w.(http.Flusher).Flush() }, "403 no\n", limit, limit},
		"a panic":          {post100 + "\r\n1234567890", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "", 0, limit},
		"closed":           {post100 + "\r\n1234567890", func(w http.ResponseWriter, r *http.Request) { _ = r.Body.Close(); refuse(w, r) }, "403 no\n", limit, limit},
		"too long": {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\n\r\n" + strings.Repeat("b", 2000), func(w http.ResponseWriter, r *http.Request) {
			_, err := io.ReadAll(r.Body)
			assert.Error(t, err)
			refuse(w, r)
		}, "403 no\n", 0, 0},
		"long headers": {post100 + strings.Repeat(tooLong, 600) + "\r\n1234567890", refuse, tooLarge, 0, limit},
		"no handler":   {post100 + "Expect: nothing\r\n\r\n1234567890", refuse, "417 ", 0, limit},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				config := watched(listen.Config{})
				config.MaxBodyBytes = 1000
				p := servePipes(t, config, c.handler)
				conn := p.dial(t)
				began := time.Now()
				_, err := io.WriteString(conn, c.request)
				require.NoError(t, err)
				if c.want != "" {
					assert.Equal(t, c.want, answer(t, conn))
					assert.Equal(t, c.answered, time.Since(began), "answered")
				}
				_, err = io.Copy(io.Discard, conn)
				assert.NoError(t, err)
				assert.Equal(t, c.closed, time.Since(began).Truncate(time.Second), "closed, maybe with net/http's half second for the client")
			})
		})
	}
}

// long is more than net/http holds back.
var long = []byte(strings.Repeat("long", 10<<10))

func TestAResponseThatNobodyTakes(t *testing.T) {
	for name, c := range map[string]struct {
		request string
		answer  func(w http.ResponseWriter, r *http.Request) error
		want    time.Duration
	}{
		"a write": {hello, func(w http.ResponseWriter, _ *http.Request) error { _, err := w.Write(long); return err }, limit},
		"a string": {hello, func(w http.ResponseWriter, _ *http.Request) error {
			_, err := io.WriteString(w, strings.Repeat("long", 10<<10))
			return err
		}, limit},
		"a copy": {hello, func(w http.ResponseWriter, _ *http.Request) error {
			_, err := io.Copy(w, strings.NewReader(string(long)))
			return err
		}, limit},
		"a flush": {hello, func(w http.ResponseWriter, _ *http.Request) error { return http.NewResponseController(w).Flush() }, limit},
		"a flusher": {hello, func(w http.ResponseWriter, _ *http.Request) error {
			w.(http.Flusher).Flush()
			_, err := w.Write(long)
			return err
		}, limit},
		"a hint": {hello, func(w http.ResponseWriter, _ *http.Request) error {
			w.WriteHeader(http.StatusEarlyHints)
			return http.NewResponseController(w).Flush()
		}, limit},
		"a hijack": {hello, func(w http.ResponseWriter, _ *http.Request) error {
			w.WriteHeader(http.StatusOK) // which Hijack flushes
			conn, _, err := http.NewResponseController(w).Hijack()
			_ = conn.Close()
			return errors.Join(err, os.ErrDeadlineExceeded) // net/http tells nobody
		}, limit},
		"with a body that nobody reads": {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nb", func(w http.ResponseWriter, _ *http.Request) error { _, err := w.Write(long); return err }, 2 * limit},
		"a call to continue": {post100 + "Expect: 100-continue\r\n\r\n", func(_ http.ResponseWriter, r *http.Request) error {
			_, err := r.Body.Read(make([]byte, 1))
			return err
		}, 2 * limit},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ended := make(chan struct{})
				p := servePipes(t, watched(listen.Config{}), func(w http.ResponseWriter, r *http.Request) {
					defer close(ended)
					time.Sleep(time.Hour) // the client owes nothing while nobody writes
					began := time.Now()
					assert.ErrorIs(t, c.answer(w, r), os.ErrDeadlineExceeded)
					assert.Equal(t, c.want, time.Since(began))
				})
				conn := p.dial(t)
				_, err := io.WriteString(conn, c.request)
				require.NoError(t, err)
				<-ended
				assert.True(t, isClosed(t, conn))
			})
		})
	}
}

// It stays in net/http's buffers until the handler has returned.
func TestAShortResponseThatNobodyTakes(t *testing.T) {
	whole := post100 + "\r\n" + strings.Repeat("b", 100)
	for name, c := range map[string]struct {
		request string
		before  func(body io.ReadCloser) error
		whole   time.Duration
		want    time.Duration
	}{
		"without a body":             {hello, io.ReadCloser.Close, -1, limit},
		"with a body that is unread": {post100 + "\r\nb", func(io.ReadCloser) error { return nil }, -1, 2 * limit},
		"with one that was read":     {whole, func(body io.ReadCloser) error { _, err := io.ReadAll(body); return err }, -1, limit},
		"with one that was closed":   {whole, io.ReadCloser.Close, -1, limit},
		"with a WriteTimeout":        {hello, io.ReadCloser.Close, limit / 2, limit / 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				returned := make(chan struct{})
				config := watched(listen.Config{})
				config.WriteTimeout = c.whole
				p := servePipes(t, config, func(w http.ResponseWriter, r *http.Request) {
					defer close(returned)
					assert.NoError(t, c.before(r.Body))
					ok(w, r)
				})
				conn := p.dial(t)
				_, err := io.WriteString(conn, c.request)
				require.NoError(t, err)
				<-returned
				time.Sleep(c.want - 1)
				assert.False(t, isOver(conn))
				time.Sleep(2 * time.Nanosecond)
				assert.True(t, isOver(conn))
			})
		})
	}
}

// isOver says whether the other side has closed a pipe, without reading what it may want to write.
func isOver(conn net.Conn) bool {
	synctest.Wait()
	return conn.SetReadDeadline(time.Time{}) != nil
}

func TestAResponseThatIsTakenSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 1 << 20
		p := servePipes(t, watched(listen.Config{}), func(w http.ResponseWriter, _ *http.Request) {
			n, err := w.Write(make([]byte, size)) // in one
			assert.NoError(t, err)
			assert.Equal(t, size, n)
			n, err = io.WriteString(w, strings.Repeat("s", size))
			assert.NoError(t, err)
			assert.Equal(t, size, n)
		})
		conn := p.dial(t)
		_, err := io.WriteString(conn, hello)
		require.NoError(t, err)
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		defer response.Body.Close()
		got := int64(0)
		for {
			time.Sleep(limit / 3) // for 16 KiB
			n, err := io.CopyN(io.Discard, response.Body, 16<<10)
			got += n
			if err != nil {
				assert.ErrorIs(t, err, io.EOF)
				break
			}
		}
		assert.Equal(t, int64(2*size), got)
	})
}

func TestAStreamThatIsSilentForLong(t *testing.T) {
	for name, c := range map[string]struct{ request string }{
		"without a body":     {hello},
		"with a body":        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody"},
		"with an unread one": {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nbody"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := servePipes(t, watched(listen.Config{}), silent(t))
				conn := p.dial(t)
				_, err := io.WriteString(conn, c.request)
				require.NoError(t, err)
				assert.Equal(t, "200 "+said, answer(t, conn))
			})
		})
	}
}

const said = "data: 0\n\ndata: 1\n\ndata: 2\n\n"

// silent says something every hour.
func silent(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for i := range 3 {
			_, err := fmt.Fprintf(w, "data: %d\n\n", i)
			assert.NoError(t, err)
			assert.NoError(t, http.NewResponseController(w).Flush())
			time.Sleep(time.Hour)
			assert.NoError(t, r.Context().Err())
		}
	}
}

// What is hijacked may stand still, before and after its handler returns.
func TestAnUpgradeIsNotWatched(t *testing.T) {
	for name, stays := range map[string]bool{"the handler stays": true, "the handler returns": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { upgradeIsNotWatched(t, stays) })
		})
	}
}

func upgradeIsNotWatched(t *testing.T, stays bool) {
	p := servePipes(t, watched(listen.Config{}), func(w http.ResponseWriter, _ *http.Request) {
		conn := switched(t, w)
		var echoing sync.WaitGroup
		echoing.Go(func() {
			defer conn.Close()
			_, _ = io.Copy(conn, conn)
		})
		if stays {
			echoing.Wait()
		}
	})
	conn := p.dial(t)
	assert.Equal(t, "101 ", ask(t, conn, upgrade))
	require.NoError(t, conn.SetDeadline(time.Time{}))
	for range 3 {
		time.Sleep(time.Hour)
		_, err := io.WriteString(conn, "echo") // which it has to write, while nobody reads
		require.NoError(t, err)
		time.Sleep(time.Hour)
		back := make([]byte, 4)
		_, err = io.ReadFull(conn, back)
		require.NoError(t, err)
		assert.Equal(t, "echo", string(back))
	}
}

// With it, net/http would take the rest of a stalled body for a request.
func TestFullDuplexIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := servePipes(t, watched(listen.Config{}), func(w http.ResponseWriter, _ *http.Request) {
			assert.ErrorIs(t, http.NewResponseController(w).EnableFullDuplex(), errors.ErrUnsupported)
		})
		assert.Equal(t, "200 ", ask(t, p.dial(t), hello))
	})
}

func TestTheShorterOfTwoLimits(t *testing.T) {
	for name, c := range map[string]struct {
		whole, want time.Duration
	}{
		"the whole":      {limit - time.Second, limit - time.Second},
		"the standstill": {limit + time.Second, limit},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				stalled := make(chan time.Duration, 2)
				config := listen.Config{ReadTimeout: c.whole, WriteTimeout: c.whole, StallTimeout: limit}
				p := servePipes(t, config, func(w http.ResponseWriter, r *http.Request) {
					began := time.Now()
					if r.Method == http.MethodPost {
						_, err := io.ReadAll(r.Body)
						assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
					} else {
						_, err := w.Write(long)
						assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
					}
					stalled <- time.Since(began)
				})
				for _, request := range []string{hello, post100 + "\r\nb"} {
					_, err := io.WriteString(p.dial(t), request)
					require.NoError(t, err)
					assert.Equal(t, c.want, <-stalled)
				}
			})
		})
	}
}

// answer reads one response, and leaves nothing of it. It waits for long.
func answer(t *testing.T, conn net.Conn) string {
	t.Helper()
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.Status[:4] + string(body)
}

func TestAHandshakeHasItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		authority := newAuthority(t)
		config := streams(listen.Config{StallTimeout: time.Second, TLS: listen.NewTLS(authority.identity(t, nil))})
		conn := tls.Client(servePipes(t, config, ok).dial(t), authority.trusting("http/1.1"))
		time.Sleep(4 * time.Second) // the ReadHeaderTimeout is 5 s
		assert.Equal(t, "200 OK", ask(t, conn, hello))
	})
}
