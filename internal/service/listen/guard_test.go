package listen_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/listen"
)

const tooLarge = "431 Request Header Fields Too Large\n"

// What net/http accepts by itself is 4 KiB more, and another 4 KiB on a connection that it has read from
// before; the last row is beyond that.
func TestTheBoundOfHeaders(t *testing.T) {
	expectNoGoroutines(t)
	s := serve(t, listen.Config{Address: "127.0.0.1:0"}, ok)
	for _, earlier := range []int{0, 1} {
		for size, want := range map[int]string{
			100:       "200 OK",
			8<<10 - 1: "200 OK",
			8 << 10:   "200 OK",
			8<<10 + 1: tooLarge,
			12 << 10:  tooLarge,
			32 << 10:  "431 431 Request Header Fields Too Large", // by net/http
		} {
			t.Run(fmt.Sprintf("%d bytes, %d requests before", size, earlier), func(t *testing.T) {
				conn := s.dial(t)
				for range earlier {
					assert.Equal(t, "200 OK", ask(t, conn, hello))
				}
				assert.Equal(t, want, ask(t, conn, requestOf(size)))
			})
		}
	}
}

// requestOf has so many bytes, half of them in the request line.
func requestOf(size int) string {
	begin := "GET /" + strings.Repeat("p", size/2) + " HTTP/1.1\r\nHost: a\r\nX: "
	if size < 1000 {
		begin = "GET / HTTP/1.1\r\nHost: a\r\nX: "
	}
	const end = "\r\n\r\n"
	return begin + strings.Repeat("x", size-len(begin)-len(end)) + end
}

func TestTheBoundOfHeadersInHTTP2(t *testing.T) {
	expectNoGoroutines(t)
	authority := newAuthority(t)
	var proto string
	s := serve(t, listen.Config{Address: "127.0.0.1:0", TLS: listen.NewTLS(authority.identity(t, nil))}, func(w http.ResponseWriter, r *http.Request) {
		proto = r.Proto
		ok(w, r)
	})
	for size, want := range map[int]string{
		7 << 10: "200 OK",
		8 << 10: "431 <h1>HTTP Error 431</h1><p>Request Header Field(s) Too Large</p>", // by net/http
	} {
		client := secureClient(t, &tls.Config{RootCAs: authority.pool})
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url, nil)
		require.NoError(t, err)
		request.Header.Set("X", strings.Repeat("x", size))
		response, err := client.Do(request)
		if err != nil && size > 7<<10 { // the client had heard of the bound before it sent the request
			assert.ErrorContains(t, err, "larger than peer's advertised limit")
			continue
		}
		require.NoError(t, err)
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		assert.Equal(t, want, response.Status[:4]+string(body))
	}
	assert.Equal(t, "HTTP/2.0", proto)
}

func TestTheBoundOfBodies(t *testing.T) {
	for name, c := range map[string]struct {
		most int64
		size int
		want string
	}{
		"as many as allowed": {0, 64 << 10, "200 <nil>"},
		"one more":           {0, 64<<10 + 1, "200 http: request body too large"},
		"configured":         {3, 4, "200 http: request body too large"},
		"no bound":           {-1, 1 << 20, "200 <nil>"},
	} {
		t.Run(name, func(t *testing.T) {
			expectNoGoroutines(t)
			s := serve(t, listen.Config{Address: "127.0.0.1:0", MaxBodyBytes: c.most}, func(w http.ResponseWriter, r *http.Request) {
				_, err := io.ReadAll(r.Body)
				var large *http.MaxBytesError
				assert.Equal(t, err != nil, errors.As(err, &large))
				_, _ = fmt.Fprint(w, err)
			})
			body := strings.Repeat("b", c.size)
			assert.Equal(t, c.want, ask(t, s.dial(t), fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", len(body), body)))
		})
	}
}

// A handler that waits for a token is not told that its client has gone. Net/http sees to that: it
// takes back the deadline once the request is there.
func TestAHandlerMayTakeLongerThanReadTimeout(t *testing.T) {
	for name, request := range map[string]string{
		"without a body": hello,
		"with a body":    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody",
		"in chunks":      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := servePipes(t, listen.Config{}, func(w http.ResponseWriter, r *http.Request) {
					_, err := io.ReadAll(r.Body)
					assert.NoError(t, err)
					time.Sleep(15 * time.Second)
					_, _ = fmt.Fprint(w, r.Context().Err())
				})
				conn := p.dial(t)
				for range 2 { // on one connection
					assert.Equal(t, "200 <nil>", ask(t, conn, request))
				}
			})
		})
	}
}

func TestTimeouts(t *testing.T) {
	for name, c := range map[string]struct {
		sent string
		want time.Duration
	}{
		"nothing sent":         {"", 5 * time.Second},
		"headers not finished": {"GET / HTTP/1.1\r\nHos", 5 * time.Second},
		"body not finished":    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbo", 10 * time.Second},
		"idle":                 {hello, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := servePipes(t, listen.Config{}, func(_ http.ResponseWriter, r *http.Request) {
					if _, err := io.ReadAll(r.Body); err != nil {
						assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
						panic(http.ErrAbortHandler)
					}
				})
				conn := p.dial(t)
				began := time.Now()
				_, err := io.WriteString(conn, c.sent)
				require.NoError(t, err)
				_, err = io.Copy(io.Discard, conn)
				require.NoError(t, err)
				assert.Equal(t, c.want, time.Since(began))
			})
		})
	}
}

func TestAResponseThatNobodyReads(t *testing.T) {
	for name, c := range map[string]struct {
		timeout, want time.Duration
	}{
		"by default":  {0, 30 * time.Second},
		"for streams": {-1, time.Hour}, // when the client goes
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gaveUp := make(chan time.Duration, 1)
				p := servePipes(t, listen.Config{WriteTimeout: c.timeout}, func(w http.ResponseWriter, _ *http.Request) {
					began := time.Now()
					_, err := w.Write(make([]byte, 1<<20))
					assert.Error(t, err)
					gaveUp <- time.Since(began)
				})
				conn := p.dial(t)
				_, err := io.WriteString(conn, hello)
				require.NoError(t, err)
				time.Sleep(time.Hour)
				require.NoError(t, conn.Close())
				assert.Equal(t, c.want, <-gaveUp)
			})
		})
	}
}

func TestAPanicIsLoggedWithoutItsValue(t *testing.T) {
	const secret = "sesame-1234567890"
	for name, c := range map[string]struct {
		value func()
		want  string
	}{
		"a text":         {func() { panic(secret) }, `level=ERROR msg="panic in a handler" panic=string stack=`},
		"an error":       {func() { panic(errors.New(secret)) }, `level=ERROR msg="panic in a handler" panic=*errors.errorString stack=`},
		"of the runtime": {func() { _ = []int{}[len(secret)] }, `level=ERROR msg="panic in a handler" panic="runtime error: index out of range [17] with length 0" stack=`},
		"an abort":       {func() { panic(http.ErrAbortHandler) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			expectNoGoroutines(t)
			journal := &journal{}
			s := serve(t, listen.Config{Address: "127.0.0.1:0", Logger: journal.logger()}, func(http.ResponseWriter, *http.Request) { c.value() })
			assert.Contains(t, get(plainClient(t), s.url+"/"+secret), "EOF")
			s.end()
			require.NoError(t, <-s.done)
			assert.True(t, strings.HasPrefix(journal.String(), c.want), journal.String())
			assert.NotContains(t, journal.String(), secret)
			assert.Equal(t, c.want != "", strings.Contains(journal.String(), "guard_test.go"), "the stack says where")
			assert.NotContains(t, journal.String(), "http: panic serving")
		})
	}
}
