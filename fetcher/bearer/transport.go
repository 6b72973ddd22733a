package bearer

import (
	"errors"
	"fmt"
	"net/http"
)

// ErrNoToken is in the error of a request for which the Source gave no token of the kind to send:
// none at all, or only one of another kind. Feishu and Lark hand out both a tenant and an app token.
var ErrNoToken = errors.New("bearer: no access token of this kind")

// Transport is an http.RoundTripper that sends the token along. Make one with
// New. It has no state of its own, is safe for concurrent use and needs no
// Close.
type Transport struct {
	choose   func(*http.Request) (Source, Kind)
	place    Place
	rejects  Rejects
	surface  bool
	keepBody int64
	base     http.RoundTripper
	hosts    origins
}

// New makes a Transport, without any I/O. The error names every field that is
// wrong, and never a value.
func New(c Config) (*Transport, error) {
	hosts, err := c.validate()
	if err != nil {
		return nil, fmt.Errorf("bearer: %w", err)
	}
	c = c.withDefaults()
	return &Transport{
		choose:   c.For,
		place:    c.Place,
		rejects:  c.Rejects,
		surface:  c.Surface,
		keepBody: c.KeepBody,
		base:     c.Base,
		hosts:    hosts,
	}, nil
}

// RoundTrip sends a request with the token if the request goes to one of Config.Hosts and has
// nothing of its own where the token goes, such as an Authorization header, not even one without a
// value. It sends any other request as it is. If the API rejects the token, RoundTrip sends the
// request once more, with the token that follows, and all of its body. If there is no other token,
// or the body cannot be had again (http.NewRequest sets GetBody for bytes and strings; see
// Config.KeepBody), it returns the rejection, whole, or under Config.Surface a *RejectedError.
//
// With a token at hand it costs some 3 µs: a copy of the request, and a look into the reply that
// ends with the code, or with the reply if that is a rejection. RoundTrip waits, as the caller
// would, until so much of the reply is there or the request's context ends. It waits for a token
// that is not at hand: set a deadline. After a rejection it waits for a Redis that is down, for a
// few RedisTimeouts.
//
// Errors: those of Source.Get, such as a *tokencache.IssuerError, if there is no token; ErrNoToken;
// a *RejectedError; else those of Config.Base. None holds a token, and Response.Request is the
// request without it.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if !t.authorizes(req) {
		return t.base.RoundTrip(req)
	}
	source, kind := t.choose(req)
	if source == nil || isNilPointer(source) {
		return t.base.RoundTrip(req)
	}
	c := call{Transport: t, source: source, kind: kind, req: req, replay: newReplay(req, t.keepBody)}
	return c.do()
}

// CloseIdleConnections is Base's, for http.Client's method of that name.
func (t *Transport) CloseIdleConnections() {
	if base, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		base.CloseIdleConnections()
	}
}
