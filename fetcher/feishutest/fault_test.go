package feishutest_test

import (
	"context"
	"io"
	"net/http"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

func TestFaults(t *testing.T) {
	const brief = 300 * time.Millisecond
	for _, c := range []struct {
		fault  feishutest.Fault
		status int    // 0: no answer
		body   string // a part of it
		err    error  // of the request, or of reading the body
	}{
		{fault: feishutest.Refusal(1663, "internal error"), status: 200, body: `"code":1663`},
		{fault: feishutest.WrongSecret(), status: 200, body: `"code":10014`},
		{fault: feishutest.RateLimited("Retry-After", "-7"), status: 429, body: `"code":99991400`},
		{fault: feishutest.Status(502), status: 502, body: "Bad Gateway"},
		{fault: feishutest.Redirect("http://127.0.0.1:1/"), status: 307},
		{fault: feishutest.Answer(418, http.Header{"x-tt-logid": nil}, "short"), status: 418, body: "short"},
		{fault: feishutest.HTML(), status: 200, body: "<!DOCTYPE"},
		{fault: feishutest.EmptyBody(), status: 200},
		{fault: feishutest.WrongShape(), status: 200, body: `"code":"0"`},
		{fault: feishutest.Expire(`"7200"`), status: 200, body: `"expire":"7200"`},
		{fault: feishutest.EmptyToken(), status: 200, body: `"app_access_token":""`},
		{fault: feishutest.Reset(), err: syscall.ECONNRESET},
		{fault: feishutest.LostReply(), err: syscall.ECONNRESET},
		{fault: feishutest.Timeout(), err: context.DeadlineExceeded},
		{fault: feishutest.BrokenBody(), status: 200, body: `{"app_access_token":"a-`, err: io.ErrUnexpectedEOF},
		{fault: feishutest.SlowBody(time.Second), status: 200, err: context.DeadlineExceeded},
		{fault: feishutest.EndlessBody(), status: 200, body: "  "},
	} {
		t.Run(c.fault.String(), func(t *testing.T) {
			reach(t, feishutest.Config{}, func(t *testing.T, issuer *feishutest.Issuer, do func(*http.Request) (*http.Response, error)) {
				issuer.FailNext(1, c.fault)
				ctx, cancel := context.WithTimeout(t.Context(), brief)
				defer cancel()
				resp, err := do(newPost(ctx, t))
				require.Equal(t, c.status == 0, err != nil)
				if err != nil {
					require.ErrorIs(t, err, c.err)
				} else {
					defer func() { _ = resp.Body.Close() }()
					assert.Equal(t, c.status, resp.StatusCode)
					body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
					require.ErrorIs(t, err, c.err)
					assert.Contains(t, string(body), c.body)
				}
				assertRecorded(t, issuer, c.fault)
				assert.Equal(t, 0, call(t, issuer).Code, "the fault was for one call")
			})
		})
	}
}

func TestSlowBodyArrives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := feishutest.New(feishutest.Config{})
		issuer.FailNext(1, feishutest.SlowBody(time.Second))
		begin := time.Now()
		a := call(t, issuer)
		assert.True(t, issuer.Valid(a.App))
		assert.Greater(t, time.Since(begin), 100*time.Second)
	})
}

func assertRecorded(t *testing.T, issuer *feishutest.Issuer, f feishutest.Fault) {
	t.Helper()
	calls := issuer.Calls()
	require.Len(t, calls, 1)
	assert.Equal(t, f.String(), calls[0].Fault)
	switch f.String() {
	case "slow body":
		assert.Equal(t, feishutest.Stats{Calls: 1, Rotations: 1}, issuer.Stats())
	case "lost reply", "broken body":
		assert.Equal(t, feishutest.Stats{Refused: 1, Rotations: 1}, issuer.Stats())
		assert.True(t, calls[0].Minted)
		assert.False(t, calls[0].Granted())
	default:
		assert.Equal(t, feishutest.Stats{Refused: 1}, issuer.Stats())
	}
}
