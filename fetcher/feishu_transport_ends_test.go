package fetcher_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/tokencache"
)

// An answer over a socket that has no end: with 101, where the body is a connection that the
// transport does not tie to the ctx, none is waited for; else the ctx ends it. Nothing is
// left behind, however often it is tried.
func TestAnswersWithoutAnEnd(t *testing.T) {
	const upgrade = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
	for edge, test := range map[string]struct {
		says    string
		status  int
		ends    bool // without the ctx
		message string
	}{
		"101":                             {upgrade, 101, true, "feishu answered: an offer to speak another protocol"},
		"101 that talks":                  {upgrade + `{"code":0,`, 101, true, "feishu answered: an offer to speak another protocol"},
		"101 without a protocol":          {"HTTP/1.1 101 Switching Protocols\r\n\r\n", 101, true, "feishu answered: an offer to speak another protocol"},
		"200 and no body":                 {"HTTP/1.1 200 OK\r\n\r\n", 200, false, "feishu answered: not in full before the call was ended"},
		"200 and an upgrade all the same": {"HTTP/1.1 200 OK\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n{", 200, false, "feishu answered: not in full before the call was ended"},
		"a body too short":                {"HTTP/1.1 500 No\r\nContent-Length: 1000\r\n\r\n{", 500, false, "feishu answered: not in full before the call was ended"},
		"a chunk without an end":          {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", 200, false, "feishu answered: not in full before the call was ended"},
		"102, and no answer":              {"HTTP/1.1 102 Processing\r\n\r\n", 0, false, "no answer before the call was ended"},
	} {
		t.Run(edge, func(t *testing.T) {
			url, said, closed := hijacked(t, test.says)
			f := at(t, url)
			before := runtime.NumGoroutine() + 1 // the one that counts
			const tries = 5
			for range tries {
				ctx, cancel := context.WithCancel(t.Context())
				if !test.ends {
					go func() { <-said; cancel() }()
				}
				e := fetchErrorOf(ctx, t, f)
				assert.Equal(t, test.ends, ctx.Err() == nil)
				cancel()
				if test.status != 0 && e.Status == 0 { // the ctx ended before the transport had read that much
					assert.Equal(t, "no answer before the call was ended", e.Message)
					continue
				}
				assert.Equal(t, test.status, e.Status)
				assert.Contains(t, e.Error(), test.message)
				if test.status == 101 {
					assert.Equal(t, unknown, e.Class)
					assert.NotEmpty(t, e.Advice)
				}
			}
			for range tries {
				<-closed
			}
			require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before }, 10*time.Second, time.Millisecond,
				"%d goroutines and more", before)
		})
	}
}

// A transport of the user's own may not look at the ctx at all.
func TestTransportsThatIgnoreTheContext(t *testing.T) {
	for edge, test := range map[string]struct {
		transport func(d *deaf) (*http.Response, error)
		closes    bool
		status    int
	}{
		"a body that ends by Close": {func(d *deaf) (*http.Response, error) { return &http.Response{StatusCode: 200, Body: d}, nil }, true, 200},
		"a body that never ends":    {func(d *deaf) (*http.Response, error) { return &http.Response{StatusCode: 200, Body: d}, nil }, false, 200},
		"no answer": {func(d *deaf) (*http.Response, error) {
			<-d.end
			return &http.Response{StatusCode: 200, Body: d}, nil
		}, false, 0},
	} {
		t.Run(edge, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &deaf{end: make(chan struct{}), closes: test.closes}
				f := newFeishu(t, roundTrip(func(*http.Request) (*http.Response, error) { return test.transport(d) }))
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				began := time.Now()
				e := fetchErrorOf(ctx, t, f)
				require.ErrorIs(t, e, context.DeadlineExceeded)
				assert.Equal(t, 3*time.Second, time.Since(began))
				assert.Equal(t, test.status, e.Status)
				synctest.Wait()
				if !test.closes {
					close(d.end)
				}
			})
		})
	}
}

// A panic of the transport is still the caller's.
func TestPanicOfATransport(t *testing.T) {
	f, err := fetcher.NewFeishu(fetcher.FeishuConfig{AppID: appID, AppSecret: tokencache.NewSecret(secret), Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		panic("theirs")
	})})
	require.NoError(t, err)
	assert.PanicsWithValue(t, "theirs", func() { _, _ = f.Fetch(t.Context()) })
}

// hijacked is a server that says something and no more, and keeps the connection until the
// other side closes it, which it tells.
func hijacked(t *testing.T, says string) (url string, said, closed <-chan struct{}) {
	t.Helper()
	saying, closing := make(chan struct{}, 100), make(chan struct{}, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, rw, err := w.(http.Hijacker).Hijack()
		if !assert.NoError(t, err) {
			return
		}
		defer func() { closing <- struct{}{} }()
		defer conn.Close()
		_, _ = io.WriteString(conn, says)
		saying <- struct{}{}
		waitForEnd(conn, rw.Reader)
	}))
	t.Cleanup(server.Close)
	return server.URL, saying, closing
}

func waitForEnd(conn net.Conn, r *bufio.Reader) {
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second)) // so that what hangs fails
	_, _ = io.Copy(io.Discard, r)
}

// deaf is a body, or a transport, that hears of no ctx: it ends when it is closed, or not even
// then, but by the end of the test.
type deaf struct {
	end    chan struct{}
	closes bool
}

func (d *deaf) Read([]byte) (int, error) { <-d.end; return 0, io.ErrClosedPipe }

func (d *deaf) Close() error {
	if d.closes {
		close(d.end)
	}
	return nil
}
