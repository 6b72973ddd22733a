package fetcher_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
)

func TestBySocket(t *testing.T) {
	issuer := newIssuer()
	server := httptest.NewServer(issuer)
	defer server.Close()
	tok, err := at(t, server.URL).Fetch(t.Context())
	require.NoError(t, err)
	assert.True(t, issuer.Valid(tok.AppAccessToken()))
	assert.True(t, issuer.Valid(tok.TenantAccessToken()))
}

func TestWrongPathBySocket(t *testing.T) {
	server := httptest.NewServer(newIssuer())
	defer server.Close()
	e := fetchErrorOf(t.Context(), t, at(t, server.URL+"/somewhere"))
	assert.Equal(t, 404, e.Status)
	assert.Equal(t, permanent, e.Class)
	assert.Contains(t, e.Advice, "base URL")
}

func TestRedirectIsNotFollowed(t *testing.T) {
	var followed atomic.Bool
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Store(true) }))
	defer elsewhere.Close()
	for _, location := range []string{elsewhere.URL, "://not a URL " + secret} {
		issuer := newIssuer()
		issuer.SetFault(feishutest.Redirect(location))
		server := httptest.NewServer(issuer)
		e := fetchErrorOf(t.Context(), t, at(t, server.URL))
		server.Close()
		assert.Equal(t, 307, e.Status)
		assert.Equal(t, permanent, e.Class)
		assert.NotContains(t, e.Error(), location)
	}
	assert.False(t, followed.Load())
}

func TestFaultsBySocket(t *testing.T) {
	for _, c := range []struct {
		fault  feishutest.Fault
		status int
		class  tokencache.Class
	}{
		{feishutest.Reset(), 0, transient},
		{feishutest.Timeout(), 0, transient},
		{feishutest.BrokenBody(), 200, transient},
		{feishutest.SlowBody(time.Minute), 200, transient},
		{feishutest.EndlessBody(), 200, unknown},
	} {
		t.Run(c.fault.String(), func(t *testing.T) {
			issuer := newIssuer()
			issuer.SetFault(c.fault)
			server := httptest.NewServer(issuer)
			defer server.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			e := fetchErrorOf(ctx, t, at(t, server.URL))
			assert.Equal(t, c.class, e.Class)
			assert.Equal(t, c.status, e.Status)
			assert.Equal(t, c.status == 0, e.Local)
		})
	}
}

func TestRefused(t *testing.T) {
	server := httptest.NewServer(newIssuer())
	server.Close()
	e := fetchErrorOf(t.Context(), t, at(t, server.URL))
	assertLocal(t, e)
	require.ErrorIs(t, e, syscall.ECONNREFUSED)
	assert.Contains(t, e.Error(), "connection refused")
}

func TestUnknownCertificate(t *testing.T) {
	server := httptest.NewUnstartedServer(newIssuer())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	e := fetchErrorOf(t.Context(), t, at(t, server.URL))
	assertLocal(t, e)
	assert.Contains(t, e.Message, "unknown authority")
}

func TestPlainHTTPWhereTLSIsExpected(t *testing.T) {
	server := httptest.NewServer(newIssuer())
	defer server.Close()
	e := fetchErrorOf(t.Context(), t, at(t, "https"+server.URL[len("http"):]))
	assertLocal(t, e)
	assert.Contains(t, e.Message, "HTTP, not HTTPS")
}

// What is not HTTP is an answer nobody can read, and is not quoted.
func TestNotHTTP(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		_, _ = conn.Read(make([]byte, 4096))
		_, _ = io.WriteString(conn, "hunter2 "+secret+"\r\n\r\n")
		_ = conn.Close()
	}()
	e := fetchErrorOf(t.Context(), t, at(t, "http://"+l.Addr().String()))
	assertLocal(t, e)
	assert.NotContains(t, e.Error(), "hunter2")
}

func TestNoAnswer(t *testing.T) {
	dns := &net.DNSError{Err: "no such host", Name: "open.feishu.cn", IsNotFound: true}
	addr := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 443}
	for _, c := range []struct {
		edge    string
		err     error
		message string
		is      error
	}{
		{"DNS", &net.OpError{Op: "dial", Net: "tcp", Err: dns}, "no answer: lookup open.feishu.cn: no such host", dns},
		{"refused", &net.OpError{Op: "dial", Net: "tcp", Addr: addr, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)},
			"no answer: dial tcp 192.0.2.7:443: connection refused", syscall.ECONNREFUSED},
		{"dialling timed out", &net.OpError{Op: "dial", Net: "tcp", Addr: addr, Err: timeout{}}, "no answer: dial tcp 192.0.2.7:443 timed out", os.ErrDeadlineExceeded},
		{"headers timed out", timeout{}, "no answer: timed out", os.ErrDeadlineExceeded},
		{"closed", io.EOF, "no answer: the connection was closed", io.ErrUnexpectedEOF},
		{"TLS alert", &net.OpError{Op: "remote error", Err: tls.AlertError(40)}, "no answer: tls: handshake failure", tls.AlertError(40)},
		{"not TLS", tls.RecordHeaderError{Msg: "hunter2"}, "no answer: tls: the other side does not speak TLS", nil},
		{"certificate of another host", uncertified(x509.HostnameError{Host: "hunter2"}), "no answer: tls: the certificate is for another host", nil},
		{"certificate expired", uncertified(x509.CertificateInvalidError{Reason: x509.Expired}),
			"no answer: tls: the certificate has expired or is not yet valid, or this host's clock is wrong", nil},
		{"certificate of no use", uncertified(x509.CertificateInvalidError{Reason: x509.IncompatibleUsage}), "no answer: tls: the certificate cannot be verified", nil},
		{"errno alone", syscall.EPIPE, "no answer: broken pipe", syscall.EPIPE},
		{"proxy refuses", errors.New("Proxy Authentication Required"), "no answer: the proxy answered 407 Proxy Authentication Required", nil},
		{"wrapped with a URL", &url.Error{Op: "Post", URL: "https://user:hunter2@h/", Err: io.EOF}, "no answer: the connection was closed", io.ErrUnexpectedEOF},
		{"unheard of", errors.New("http://user:hunter2@proxy " + secret), "no answer: the request did not get through", nil},
		{"nothing at all", nil, "no answer: the request did not get through", nil},
	} {
		t.Run(c.edge, func(t *testing.T) {
			e := fetchError(t, failing(c.err))
			assertLocal(t, e)
			assert.Equal(t, c.message, e.Message)
			assert.NotContains(t, fmt.Sprintf("%v %+v %#v", e, e.Err, e.Err), "hunter2")
			if c.is != nil {
				require.ErrorIs(t, e, c.is)
			}
			assert.NotErrorIs(t, e, context.DeadlineExceeded, "the caller's ctx has not ended")
		})
	}
}

// What a person can mend comes with advice; for the rest one can only wait.
func TestAdviceOnNoAnswer(t *testing.T) {
	reset := os.NewSyscallError("read", syscall.ECONNRESET)
	for _, c := range []struct {
		edge   string
		err    error
		advice []string
	}{
		{"DNS", &net.DNSError{Err: "no such host", IsNotFound: true}, []string{"base URL", "DNS"}},
		{"refused", &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}, []string{"base URL", "proxy"}},
		{"certificate", uncertified(x509.UnknownAuthorityError{}), []string{"base URL", "proxy", "CA certificates"}},
		{"scheme", tls.RecordHeaderError{RecordHeader: [5]byte([]byte("HTTP/"))}, []string{"base URL", "http://"}},
		{"proxy's password", errors.New("Proxy Authentication Required"), []string{"HTTPS_PROXY", "password"}},
		{"reset", &net.OpError{Op: "read", Net: "tcp", Err: reset}, []string{"base URL", "proxy", "firewall"}},
		{"a time-out, nobody knows where", os.ErrDeadlineExceeded, []string{"base URL", "proxy", "firewall"}},
		{"anything else", errors.New("out of luck"), []string{"base URL", "proxy", "firewall"}},
		{"closed", io.EOF, []string{"base URL", "proxy", "firewall"}},
	} {
		t.Run(c.edge, func(t *testing.T) {
			e := fetchError(t, failing(c.err))
			for _, part := range c.advice {
				assert.Contains(t, e.Advice, part)
			}
		})
	}
}

func TestContextEnds(t *testing.T) {
	for _, c := range []struct {
		edge string
		end  func(context.Context) (context.Context, context.CancelFunc)
		err  error
	}{
		{"deadline", func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Second)
		}, context.DeadlineExceeded},
		{"cancelled", func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(time.Second, cancel)
			return ctx, cancel
		}, context.Canceled},
	} {
		t.Run(c.edge, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				issuer := newIssuer()
				issuer.SetFault(feishutest.Timeout())
				ctx, cancel := c.end(t.Context())
				defer cancel()
				begin := time.Now()
				e := fetchErrorOf(ctx, t, newFeishu(t, issuer.RoundTripper()))
				assert.Equal(t, time.Second, time.Since(begin))
				if errors.Is(c.err, context.DeadlineExceeded) {
					assert.Equal(t, "check the base URL, the proxy and the firewall", e.Advice, "it accepts, and never answers")
				} else {
					assert.Empty(t, e.Advice)
				}
				require.ErrorIs(t, e, c.err)
				assertLocal(t, e)
			})
		})
	}
}

// The dialer's own timer may run out before the context's.
func TestDeadlineSeenByTheDialerFirst(t *testing.T) {
	ctx := early{t.Context()}
	f := newFeishu(t, failing(&net.OpError{Op: "dial", Net: "tcp", Err: timeout{}}))
	require.ErrorIs(t, fetchErrorOf(ctx, t, f), context.DeadlineExceeded)
}

// A call without a deadline has one all the same, and it is not the caller's.
func TestCallIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := newIssuer()
		issuer.SetFault(feishutest.Timeout())
		begin := time.Now()
		e := fetchErrorOf(t.Context(), t, newFeishu(t, issuer.RoundTripper()))
		assert.Equal(t, 30*time.Second, time.Since(begin))
		assert.NotErrorIs(t, e, context.DeadlineExceeded)
		require.ErrorIs(t, e, os.ErrDeadlineExceeded)
		assertLocal(t, e)
	})
}

// failing is a transport that gives no answer.
func failing(err error) http.RoundTripper {
	return roundTrip(func(*http.Request) (*http.Response, error) { return nil, err })
}

func uncertified(err error) error { return &tls.CertificateVerificationError{Err: err} }

// timeout is what net/http returns for its own time-outs.
type timeout struct{}

func (timeout) Error() string   { return "hunter2: i/o timeout" }
func (timeout) Timeout() bool   { return true }
func (timeout) Temporary() bool { return true }

// early is a context past its deadline that does not know of it yet.
type early struct{ context.Context }

func (early) Deadline() (time.Time, bool) { return time.Now().Add(-time.Nanosecond), true }
func (early) Err() error                  { return nil }
