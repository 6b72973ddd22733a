package fetcher

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/onetoken-go/onetoken/tokencache"
)

const (
	dialTimeout   = 5 * time.Second
	tlsTimeout    = 5 * time.Second
	headerTimeout = 20 * time.Second
	maxHeader     = 64 << 10
)

// newTransport is http.DefaultTransport with tighter bounds. It keeps no
// connection: a call comes every 90 min, by which time a kept one is dead, and
// a forgotten Feishu shall leave nothing open.
func newTransport() *http.Transport {
	t := &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true}
	if d, ok := http.DefaultTransport.(*http.Transport); ok {
		t = d.Clone()
	}
	t.DialContext = (&net.Dialer{Timeout: dialTimeout}).DialContext
	t.TLSHandshakeTimeout = tlsTimeout
	t.ResponseHeaderTimeout = headerTimeout
	t.MaxResponseHeaderBytes = maxHeader
	t.DisableKeepAlives = true
	return t
}

// noAnswer is the error of a request that got none. It may be this host's own
// trouble, hence Local.
func (f *Feishu) noAnswer(ctx context.Context, err error) *tokencache.IssuerError {
	e := &tokencache.IssuerError{Issuer: issuerName, Class: tokencache.ClassTransient, Local: true}
	if end := ended(ctx); end != nil {
		e.Message, e.Err = "no answer before the call was ended", end
		return e
	}
	words, cause := reason(err)
	e.Message, e.Err = f.message("no answer: "+words), cause
	return e
}

// ended returns why ctx is over, or nil. A dialer watches the deadline by a
// timer of its own, which may run out a moment before that of ctx.
func ended(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return nil
}

// reason puts into words why there was no answer, and returns the part of err
// that is safe to keep. Only errors known to be harmless are quoted: others
// may hold the URL, a proxy's password, or what a server sent in place of HTTP.
func reason(err error) (string, error) {
	for _, known := range []func(error) (string, error){dnsReason, tlsReason, timeoutReason, syscallReason, plainReason} {
		if words, cause := known(err); words != "" {
			return words, cause
		}
	}
	return "the request did not get through", nil
}

func dnsReason(err error) (string, error) {
	e, ok := errors.AsType[*net.DNSError](err)
	if !ok {
		return "", nil
	}
	return e.Error(), e
}

func tlsReason(err error) (string, error) {
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return certificateReason(e), nil
	}
	if e, ok := errors.AsType[tls.AlertError](err); ok {
		return e.Error(), e
	}
	e, ok := errors.AsType[tls.RecordHeaderError](err)
	switch {
	case !ok:
		return "", nil
	case string(e.RecordHeader[:]) == "HTTP/":
		return "the other side speaks HTTP, not HTTPS", http.ErrSchemeMismatch
	}
	return "tls: the other side does not speak TLS", nil
}

// certificateReason leaves the certificates out: an error holds the whole chain.
func certificateReason(e *tls.CertificateVerificationError) string {
	if _, ok := errors.AsType[x509.HostnameError](e.Err); ok {
		return "tls: the certificate is for another host"
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](e.Err); ok {
		return "tls: the certificate is signed by an unknown authority"
	}
	if c, ok := errors.AsType[x509.CertificateInvalidError](e.Err); ok && c.Reason == x509.Expired {
		return "tls: the certificate has expired or is not yet valid, or this host's clock is wrong"
	}
	return "tls: the certificate cannot be verified"
}

func timeoutReason(err error) (string, error) {
	if e, ok := errors.AsType[net.Error](err); !ok || !e.Timeout() {
		return "", nil
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return where(op) + " timed out", os.ErrDeadlineExceeded
	}
	return "timed out", os.ErrDeadlineExceeded
}

func syscallReason(err error) (string, error) {
	errno, ok := errors.AsType[syscall.Errno](err)
	if !ok {
		return "", nil
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return where(op) + ": " + errno.Error(), errno
	}
	return errno.Error(), errno
}

// where reads "dial tcp 203.0.113.7:443"; through a proxy, "proxyconnect tcp".
func where(op *net.OpError) string {
	s := op.Op + " " + op.Net
	if op.Addr != nil {
		s += " " + op.Addr.String()
	}
	return s
}

// plainReason knows errors by their text alone: those of a proxy that refuses
// a CONNECT are its status line and nothing else.
func plainReason(err error) (string, error) {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "the connection was closed", io.ErrUnexpectedEOF
	}
	for _, status := range []int{403, 407, 502, 503, 504} {
		if err.Error() == http.StatusText(status) {
			return fmt.Sprintf("the proxy answered %d %s", status, http.StatusText(status)), nil
		}
	}
	return "", nil
}
