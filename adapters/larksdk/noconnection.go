package larksdk

import (
	"net"
	"net/http"
	"strings"
)

// noConnection is the error of a connection that did not come about where the SDK must not make the
// call again. The SDK does so if http.Client gives it a *net.OpError of a dial, that very type:
//
//  1. It builds the body anew. It has read the file of an upload to its end by then, so that it sends
//     an empty one, and reports success.
//  2. It sends the request. If something was sent already, a rejected token's first send or the
//     request that was redirected, this is the API's third.
//
// Of this type the SDK knows nothing, and returns it. It is the dial's error in everything else.
type noConnection struct {
	why  string
	dial *net.OpError
}

func (e *noConnection) Error() string {
	return "larksdk: no connection, " + e.why + ": " + e.dial.Error()
}

func (e *noConnection) Unwrap() error { return e.dial }

// Timeout is for url.Error, which asks no error further down.
func (e *noConnection) Timeout() bool {
	return e.dial.Timeout()
}

// final has a connection that did not come about be a *noConnection where that is wanted.
func final(req *http.Request, err error, wasRejected bool) error {
	dial, ok := err.(*net.OpError) //nolint:errorlint // the SDK looks at the type just like this
	switch {
	case !ok || dial.Op != "dial":
		return err
	case isUpload(req):
		return &noConnection{"so the upload was not sent: call again with the file from its beginning", dial}
	case wasRejected:
		return &noConnection{"so the call was not sent once more after its token was rejected: make it again", dial}
	case req.Response != nil:
		return &noConnection{"so a redirect was not followed", dial}
	}
	return err
}

// isUpload reports whether a request, or the one that was redirected to it, has files.
func isUpload(req *http.Request) bool {
	for req != nil && req.Response != nil {
		req = req.Response.Request
	}
	return req != nil && strings.HasPrefix(req.Header.Get("Content-Type"), "multipart/")
}
