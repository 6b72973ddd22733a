package larksdk_test

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/adapters/larksdk"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

// Without a connection the SDK tries again; but an upload it would send empty.
func TestNoConnection(t *testing.T) {
	dials := 0
	w := newWorld(feishutest.New(feishutest.Config{}))
	sdk := w.sdk(t, func(c *larksdk.Config) {
		c.Base = roundTrip(func(*http.Request) (*http.Response, error) {
			dials++
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("refused")}
		})
	})
	reply, err := sdk.call(t.Context(), tenantCall)
	require.Error(t, err)
	assert.Equal(t, 2, reply.tries)
	assert.Equal(t, 2, dials)

	reply, err = sdk.call(t.Context(), upload(strings.NewReader("file")))
	require.ErrorContains(t, err, "call again with the file from its beginning")
	var dial *net.OpError
	require.ErrorAs(t, err, &dial)
	assert.Equal(t, 1, reply.tries)
	assert.Equal(t, 3, dials)
}

// Once something was sent, a connection that does not come about ends the call, whatever it is: at the
// SDK's second try the API would get it a third time.
func TestNoConnectionAfterASend(t *testing.T) {
	post := sdkCall{method: http.MethodPost, path: "/open-apis/post", takes: []string{"tenant"}}
	redirect := func() *http.Response {
		resp := reply(http.StatusTemporaryRedirect, "")
		resp.Header.Set("Location", "/open-apis/elsewhere")
		return resp
	}
	for edge, c := range map[string]struct {
		call  sdkCall
		first func() *http.Response // to the first send
	}{
		"GET, rejected":        {tenantCall, rejected},
		"POST, rejected":       {post, rejected},
		"upload, rejected":     {upload(strings.NewReader("file")), rejected},
		"POST, sent elsewhere": {post, redirect},
	} {
		t.Run(edge, func(t *testing.T) {
			sends := 0
			sdk := newWorld(feishutest.New(feishutest.Config{MintEveryCall: true})).sdk(t, func(config *larksdk.Config) {
				config.Base = roundTrip(func(*http.Request) (*http.Response, error) {
					if sends++; sends == 1 {
						return c.first(), nil
					}
					return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("refused")}
				})
			})
			got, err := sdk.call(t.Context(), c.call)
			var dial *net.OpError
			require.ErrorAs(t, err, &dial)
			assert.Equal(t, 1, got.tries)
			assert.Equal(t, 2, sends)
		})
	}
}

// A connection that takes too long is a timeout, also where it is of a type that the SDK does not know.
func TestConnectionThatTakesTooLong(t *testing.T) {
	sdk := newWorld(feishutest.New(feishutest.Config{})).sdk(t, func(c *larksdk.Config) {
		c.Base = roundTrip(func(*http.Request) (*http.Response, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.ErrDeadlineExceeded}
		})
	})
	for _, call := range []sdkCall{tenantCall, upload(strings.NewReader("file"))} {
		_, err := sdk.call(t.Context(), call)
		var outer *url.Error
		require.ErrorAs(t, err, &outer)
		assert.True(t, outer.Timeout())
	}
}

func rejected() *http.Response {
	return reply(http.StatusBadRequest, `{"code":99991663,"msg":"Invalid access token for authorization"}`)
}
