package listen_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/listen"
)

// Net/http's Shutdown does not wait for them, nor does its Close end them.
func TestAnUpgradeAtTheEnd(t *testing.T) {
	const cutOff = "requests were cut off: 1 were under way after 9s"
	for name, c := range map[string]struct {
		wait   func(context.Context)
		want   time.Duration
		error  string
		stayed bool // the connection, until Serve has returned
	}{
		"it finishes":               {func(context.Context) { time.Sleep(8 * time.Second) }, 8 * time.Second, "", true},
		"it minds its context":      {func(ctx context.Context) { <-ctx.Done() }, 9 * time.Second, cutOff, true},
		"it takes a second to":      {func(ctx context.Context) { <-ctx.Done(); time.Sleep(time.Second - 1) }, 10*time.Second - 1, cutOff, true},
		"it does not mind anything": {func(context.Context) { time.Sleep(time.Hour) }, 10 * time.Second, cutOff, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release := make(chan net.Conn, 1)
				p := servePipes(t, listen.Config{}, func(w http.ResponseWriter, r *http.Request) {
					conn := switched(t, w)
					c.wait(r.Context())
					release <- conn
				})
				conn := p.dial(t)
				assert.Equal(t, "101 ", ask(t, conn, upgrade))
				began := time.Now()
				p.end()
				err := <-p.done
				assert.Equal(t, c.want, time.Since(began))
				if c.error == "" {
					assert.NoError(t, err)
				} else {
					assert.ErrorIs(t, err, listen.ErrCutOff)
					assert.EqualError(t, err, c.error)
				}
				assert.Equal(t, c.stayed, !isClosed(t, conn))
				_ = (<-release).Close() // up to an hour later
			})
		})
	}
}

func TestUpgradesAndRequestsAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := servePipes(t, listen.Config{}, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/upgrade" {
				defer switched(t, w).Close()
			}
			<-r.Context().Done()
			_, _ = fmt.Fprint(w, "told")
		})
		upgraded, asking := p.dial(t), p.dial(t)
		assert.Equal(t, "101 ", ask(t, upgraded, upgrade))
		answered := make(chan string, 1)
		go func() { answered <- ask(t, asking, hello) }()
		synctest.Wait()
		p.end()
		assert.EqualError(t, <-p.done, "requests were cut off: 2 were under way after 9s")
		assert.Equal(t, "200 told", <-answered)
		assert.True(t, isClosed(t, upgraded))
	})
}

// A gateway's upgrades go through httputil, which copies until the context ends.
func TestAnUpgradeThroughAReverseProxy(t *testing.T) {
	for name, stall := range map[string]time.Duration{"without a StallTimeout": 0, "with one": time.Minute} {
		t.Run(name, func(t *testing.T) {
			expectNoGoroutines(t)
			behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				conn := switched(t, w)
				defer conn.Close()
				_, _ = io.Copy(conn, conn)
			}))
			defer behind.Close()
			s := serve(t, streams(listen.Config{Address: "127.0.0.1:0", Grace: 500 * time.Millisecond, StallTimeout: stall}), proxyTo(t, behind.URL))
			conn := s.dial(t)
			assert.Equal(t, "101 ", ask(t, conn, upgrade))
			assert.Equal(t, "echo", echoed(t, conn))
			s.end()
			assert.Equal(t, "echo", echoed(t, conn), "it goes on")
			assert.EqualError(t, <-s.done, "requests were cut off: 1 were under way after 450ms")
			assertClosed(t, conn)
		})
	}
}

// streams is a configuration as a gateway has it.
func streams(config listen.Config) listen.Config {
	config.ReadTimeout, config.WriteTimeout, config.MaxBodyBytes = -1, -1, -1
	return config
}

func proxyTo(t *testing.T, address string) http.HandlerFunc {
	t.Helper()
	target, err := url.Parse(address)
	require.NoError(t, err)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	proxy := &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	return proxy.ServeHTTP
}
