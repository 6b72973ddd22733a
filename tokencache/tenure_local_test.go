package tokencache_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// F41: a replica waits for another's call, and that fails for want of a way to the issuer, or
// because the issuer does not let that one in. It says nothing of the waiter, which asks a
// second later, and gets a token. A failure that is not the caller's own is its answer.
func TestF41AnothersOwnTroubleIsNoAnswer(t *testing.T) {
	noWay := roundTrip(func(*http.Request) (*http.Response, error) {
		time.Sleep(time.Second)
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errForTest}
	})
	answers := func(fault feishutest.Fault) http.RoundTripper {
		theirs := feishutest.New(feishutest.Config{Latency: time.Second})
		theirs.SetFault(fault)
		return theirs.RoundTripper()
	}
	for edge, test := range map[string]struct {
		call  http.RoundTripper
		local bool
	}{
		"no way to the issuer":       {noWay, true},
		"a proxy that wants to know": {answers(feishutest.Status(http.StatusProxyAuthRequired)), true},
		"not on the allow list":      {answers(feishutest.Refusal(99991401, "ip not allowed")), true},
		"an issuer in trouble":       {answers(feishutest.Status(http.StatusServiceUnavailable)), false},
	} {
		t.Run(edge, func(t *testing.T) {
			virtual(t, usual(), func(t *testing.T, f *fleet) {
				holder, waiters := f.replica(via(test.call)), f.start(5)
				held := holder.getting(t.Context())
				time.Sleep(500 * time.Millisecond)
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				for _, res := range all(ctx, waiters) {
					refused, _ := errors.AsType[*tokencache.IssuerError](res.err)
					if !test.local {
						require.NotNil(t, refused, "%v", res.err)
						assert.LessOrEqual(t, res.took, 600*time.Millisecond)
						continue
					}
					require.NoError(t, res.err)
					assert.LessOrEqual(t, res.took, 500*time.Millisecond+time.Second+latency+time.Second, "the hold is a second")
				}
				res := <-held
				refused, _ := errors.AsType[*tokencache.IssuerError](res.err)
				require.NotNil(t, refused, "%v", res.err)
				assert.Equal(t, test.local, refused.Local)
				if test.local {
					assert.Equal(t, 1, f.stats().Calls, "one of them asked")
				}
			})
		})
	}
}
