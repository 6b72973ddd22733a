package larksdk

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/onetoken-go/onetoken/fetcher/bearer"
)

// missingToken is the code of a reply to a request without a token, at an API that wants one.
//
// Source: https://open.feishu.cn/document/server-docs/api-call-guide/generic-error-code.
const missingToken = 99991661

// maxRefusal bounds what is kept of a reply: a refusal has a few hundred bytes.
const maxRefusal = 16 << 10

// tokenless sends the requests that have no marker, as they are. Under lark.WithEnableTokenCache(false)
// every call of the SDK is one, and the caller gets a refusal that does not name the option: so the first
// such refusal is told to the Logger.
type tokenless struct {
	transport *bearer.Transport
	warnings  *warnings
}

// newTokenless has the Transport, of every app's Hosts, tell which requests go there without a token.
func newTokenless(c Config, w *warnings) (*tokenless, error) {
	var hosts []string
	for _, a := range c.Apps {
		hosts = append(hosts, a.Hosts...)
	}
	transport, err := bearer.New(bearer.Config{For: marked, Hosts: hosts, Base: c.Base})
	return &tokenless{transport, w}, err
}

// lacksKey is where a request's context has a *bool: it goes to one of App.Hosts, and lacks a token.
type lacksKey struct{}

// marked is asked for just those requests, and has them sent without a token.
func marked(req *http.Request) (bearer.Source, bearer.Kind) {
	if lacks, ok := req.Context().Value(lacksKey{}).(*bool); ok {
		*lacks = true
	}
	return nil, 0
}

func (t *tokenless) RoundTrip(req *http.Request) (*http.Response, error) {
	lacks := false
	resp, err := t.transport.RoundTrip(req.WithContext(context.WithValue(req.Context(), lacksKey{}, &lacks)))
	if resp == nil {
		return nil, err
	}
	resp.Request = req
	if lacks && mayRefuse(resp) && !t.warnings.toldSwitchedOff() {
		resp.Body = &overheard{ReadCloser: resp.Body, heard: t.hear}
	}
	return resp, err
}

// mayRefuse tells by the head of a reply, as the SDK does, whether it may have the code.
func mayRefuse(resp *http.Response) bool {
	return resp.StatusCode >= 400 && resp.Body != nil && resp.ContentLength <= maxRefusal && resp.Header.Get("Content-Encoding") == "" &&
		strings.Contains(resp.Header.Get("Content-Type"), "application/json")
}

func (t *tokenless) hear(body []byte) {
	if codeOf(body, true) == missingToken {
		t.warnings.switchedOff()
	}
}

// overheard is a body of which a copy is kept while the SDK reads it, up to maxRefusal: nobody waits for
// what the SDK does not wait for, and what it does not read stays unread.
type overheard struct {
	io.ReadCloser
	heard func(body []byte) // is given the whole body, once, when the SDK has read it
	kept  bytes.Buffer
}

func (o *overheard) Read(p []byte) (int, error) {
	n, err := o.ReadCloser.Read(p)
	if o.heard == nil {
		return n, err
	}
	if o.kept.Write(p[:n]); o.kept.Len() > maxRefusal {
		o.forget()
		return n, err
	}
	if err == io.EOF {
		o.heard(o.kept.Bytes())
	}
	if err != nil {
		o.forget()
	}
	return n, err
}

func (o *overheard) forget() { o.heard, o.kept = nil, bytes.Buffer{} }

// Format prints no field: the body may be anything.
func (o *overheard) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "larksdk.body") }
