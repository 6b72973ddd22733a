package larksdk_test

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/adapters/larksdk"
	"github.com/onetoken-go/onetoken/fetcher/bearer"
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

// Whatever the SDK takes as a rejection of an upload, it does not get to see.
func TestRejectedUploads(t *testing.T) {
	for edge, c := range map[string]struct {
		body     string
		rejected bool
	}{
		"as ever":           {`{"code":99991663,"msg":"Invalid access token for authorization"}`, true},
		"without a message": {`{"code":99991664}`, true},
		"the code twice":    {`{"code":0,"msg":"","code":99991671}`, true},
		"another code":      {`{"code":234001,"msg":"Invalid request param."}`, false},
	} {
		t.Run(edge, func(t *testing.T) {
			w := newWorld(feishutest.New(feishutest.Config{MintEveryCall: true}))
			w.replies = func(*http.Request) *http.Response { return reply(http.StatusBadRequest, c.body) }
			got, err := w.sdk(t).call(t.Context(), upload(strings.NewReader("file")))
			if !c.rejected {
				require.NoError(t, err)
				assert.Equal(t, sdkReply{400, 234001, c.body, 1}, got)
				assert.Len(t, w.requests(), 1)
				return
			}
			var rejected *bearer.RejectedError
			require.ErrorAs(t, err, &rejected)
			assert.Equal(t, 1, got.tries)
			assert.Len(t, w.requests(), 2)
		})
	}
}
