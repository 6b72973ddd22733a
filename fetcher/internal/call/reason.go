package call

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

// noAnswer makes the error of a request that got no answer. The cause may be this host's own
// trouble, hence Local.
func (c *Caller) noAnswer(ctx context.Context, err error) *tokencache.IssuerError {
	e := &tokencache.IssuerError{Issuer: c.Issuer, Class: tokencache.ClassTransient, Local: true}
	if end := ended(ctx); end != nil {
		e.Message, e.Err, e.Advice = "no answer before the call was ended", end, c.adviceOnSilence(end)
		return e
	}
	r := c.reasonOf(err)
	e.Message, e.Err, e.Advice = c.Clean.Message("no answer: "+r.words), r.cause, r.advice
	return e
}

// adviceOnSilence has advice for a call whose time ran out. A call that its caller gave up tells
// nothing about the network.
func (c *Caller) adviceOnSilence(end error) string {
	if errors.Is(end, context.DeadlineExceeded) {
		return c.checkWay()
	}
	return ""
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

// reason is why there was no answer: in words, with the part of the error that
// is safe to keep, and what a person can do. Empty advice: nothing but wait.
type reason struct {
	words  string
	cause  error
	advice string
}

func (c *Caller) checkWay() string {
	return "check the " + c.Setting + ", the proxy and the firewall"
}

// reasonOf quotes only errors known to be harmless: others may hold the URL, a
// proxy's password, or what a server sent in place of HTTP.
func (c *Caller) reasonOf(err error) reason {
	for _, known := range []func(error) reason{c.dnsReason, c.tlsReason, c.timeoutReason, c.syscallReason, c.plainReason} {
		if r := known(err); r.words != "" {
			return r
		}
	}
	return reason{words: "the request did not get through", advice: c.checkWay()}
}

func (c *Caller) dnsReason(err error) reason {
	e, ok := errors.AsType[*net.DNSError](err)
	if !ok {
		return reason{}
	}
	if e.IsNotFound {
		return reason{e.Error(), e, "check the host in the " + c.Setting + c.Hosts + ", the proxy and this host's DNS"}
	}
	return reason{e.Error(), e, "check this host's DNS, the " + c.Setting + " and the proxy"}
}

func (c *Caller) tlsReason(err error) reason {
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return reason{words: certificateReason(e), advice: "check the " + c.Setting + ", the proxy and this host's CA certificates"}
	}
	if e, ok := errors.AsType[tls.AlertError](err); ok {
		return reason{e.Error(), e, c.checkWay()}
	}
	e, ok := errors.AsType[tls.RecordHeaderError](err)
	switch {
	case !ok:
		return reason{}
	case string(e.RecordHeader[:]) == "HTTP/":
		return reason{"the other side speaks HTTP, not HTTPS", http.ErrSchemeMismatch, "check the " + c.Setting + ": is it http:// there?"}
	}
	return reason{words: "tls: the other side does not speak TLS", advice: c.checkWay()}
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

func (c *Caller) timeoutReason(err error) reason {
	if e, ok := errors.AsType[net.Error](err); !ok || !e.Timeout() {
		return reason{}
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return reason{where(op) + " timed out", os.ErrDeadlineExceeded, c.checkWay()}
	}
	return reason{words: "timed out", cause: os.ErrDeadlineExceeded, advice: c.checkWay()}
}

func (c *Caller) syscallReason(err error) reason {
	errno, ok := errors.AsType[syscall.Errno](err)
	if !ok {
		return reason{}
	}
	op, ok := errors.AsType[*net.OpError](err)
	if !ok {
		return reason{words: errno.Error(), cause: errno}
	}
	// The issuer may have reset the connection in a bad moment, or something that does not
	// speak HTTP: so the advice is that for a connection that was closed.
	return reason{where(op) + ": " + errno.Error(), errno, c.checkWay()}
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
func (c *Caller) plainReason(err error) reason {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return reason{words: "the connection was closed", cause: io.ErrUnexpectedEOF, advice: c.checkWay()}
	}
	for _, status := range []int{403, 407, 502, 503, 504} {
		if err.Error() == http.StatusText(status) {
			return reason{words: fmt.Sprintf("the proxy answered %d %s", status, http.StatusText(status)), advice: c.adviceOnProxy(status)}
		}
	}
	return reason{}
}

func (c *Caller) adviceOnProxy(status int) string {
	if status == http.StatusProxyAuthRequired {
		return proxyPassword.Advice
	}
	return "check the " + c.Setting + ", and what the proxy allows (HTTPS_PROXY, or as configured)"
}
