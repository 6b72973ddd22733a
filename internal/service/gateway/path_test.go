package gateway_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// raw sends text as it is, and returns the status of the first answer.
func (s *stage) raw(text string) int {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	require.NoError(s.t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, text)
	require.NoError(s.t, err)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(s.t, err, text)
	defer res.Body.Close()
	return res.StatusCode
}

// Whatever a client writes where the path is, nothing but the base URL is reached, and that only by paths in which every
// server finds the same parts.
func TestPaths(t *testing.T) {
	s := open(t)
	standIn := s.standIn()
	for target, status := range map[string]int{
		"/open-apis/x":                               200,
		"/open-apis/x/":                              200,
		"/open-apis/x.y/..z/.w":                      200,
		"/open-apis/100%25":                          200,
		"/open-apis/a%20b":                           200,
		"/open-apis/x?y=../..//%2f":                  200,
		"/OPEN-APIS/x":                               200, // the API decides
		"/":                                          404,
		"/open-apis":                                 404,
		"/open-apisx/x":                              404,
		"/_stats":                                    404,
		"/callback/ws":                               404,
		"/open-apis/../_revoke":                      400,
		"/open-apis/./x":                             400,
		"/open-apis/..":                              400,
		"//open-apis/x":                              400,
		"/open-apis//x":                              400,
		"/open-apis/x//":                             400,
		"/open-apis/%2e%2e/_revoke":                  400,
		"/open-apis/.%2E/_revoke":                    400,
		"/open-apis/%252e%252e/_revoke":              400,
		"/open-apis/..%2f_revoke":                    400,
		"/open-apis/x%2f..%2f..%2f_revoke":           400,
		"/open-apis/x%252f_revoke":                   400,
		"/open-apis/..%5c_revoke":                    400,
		"/open-apis/x\\..\\_revoke":                  400,
		"/open-apis/..;/_revoke":                     400,
		"/open-apis/x;y/z":                           400,
		"/open-apis/x%3by":                           400,
		"/open-apis/x%3fy":                           400,
		"/open-apis/x%23y":                           400,
		"/open-apis/100%25zz":                        200,
		"/open-apis/a%25zz%252f..%252fb":             400,
		"/open-apis/%2525252e%252e/b":                400,
		"/open-apis/%00":                             400,
		"/open-apis/%0d%0aX:y":                       400,
		"http://evil.example/open-apis/x":            400,
		"https://127.0.0.1:1/open-apis/x":            400,
		"http://" + s.Listener.Addr().String() + "/": 400,
	} {
		before := len(s.api.requests())
		got := s.raw(fmt.Sprintf("GET %s HTTP/1.1\r\nHost: evil.example\r\nAuthorization: Bearer %s\r\nConnection: close\r\n\r\n", target, standIn))
		assert.Equal(t, status, got, target)
		if status != 200 {
			assert.Len(t, s.api.requests(), before, target)
			continue
		}
		last := s.api.last(t)
		assert.Equal(t, target, last.uri)
		assert.Equal(t, strings.TrimPrefix(s.api.URL, "http://"), last.host, "and not what the client says")
	}
}

func TestMethods(t *testing.T) {
	s := open(t)
	standIn := s.standIn()
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get"} {
		target := "/open-apis/x"
		status := 200
		switch method {
		case "CONNECT":
			target, status = "evil.example:443", 400
		case "OPTIONS", "TRACE", "PROPFIND", "get":
			status = 405
		}
		before := len(s.api.requests())
		got := s.raw(fmt.Sprintf("%s %s HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", method, target, standIn))
		assert.Equal(t, status, got, method)
		if status == 200 {
			assert.Equal(t, method, s.api.last(t).method)
		} else {
			assert.Len(t, s.api.requests(), before)
		}
	}
}

// Requests whose length two servers would read in two ways are refused, or sent on with one length.
func TestSmuggledLengths(t *testing.T) {
	s := open(t)
	head := "POST /open-apis/x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + s.standIn() + "\r\n"
	hidden := "GET /open-apis/hidden HTTP/1.1\r\nHost: a\r\n\r\n"
	for name, text := range map[string]string{
		"two lengths":            "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
		"two lengths in one":     "Content-Length: 1, 2\r\n\r\nab",
		"a signed length":        "Content-Length: +1\r\n\r\na",
		"a negative length":      "Content-Length: -1\r\n\r\n",
		"not a number":           "Content-Length: 0x1\r\n\r\na",
		"a strange encoding":     "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
		"two encodings":          "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
		"a blank in a name":      "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
		"a folded line":          "X: a\r\n b\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
		"a line feed in a value": "X: a\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	} {
		status := s.raw(head + "Connection: close\r\n" + text)
		assert.Contains(t, []int{400, 501, 200}, status, name)
		if status == 200 {
			assert.Empty(t, s.api.last(t).body, name)
		}
	}
	before := len(s.api.requests())
	status := s.raw(head + "Content-Length: " + fmt.Sprint(len(hidden)+5) + "\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n" + hidden)
	if status == 200 {
		assert.Len(t, s.api.requests(), before+1)
		assert.Empty(t, s.api.last(t).body)
	}
	for _, got := range s.api.requests() {
		assert.NotContains(t, got.uri, "hidden")
	}
}
