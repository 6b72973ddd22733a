package oauth2test_test

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

	"github.com/onetoken-go/onetoken/fetcher/oauth2test"
)

func TestFaults(t *testing.T) {
	const brief = 300 * time.Millisecond
	for _, c := range []struct {
		fault   oauth2test.Fault
		status  int    // 0: no answer
		body    string // a part of it
		err     error  // of the request, or of reading the body
		minted  bool
		granted bool
	}{
		{fault: oauth2test.Refusal(400, "invalid_grant", ""), status: 400, body: `{"error":"invalid_grant"}`},
		{fault: oauth2test.WrongSecret(), status: 401, body: `"error":"invalid_client"`},
		{fault: oauth2test.TemporarilyUnavailable(), status: 503, body: `"error":"temporarily_unavailable"`},
		{fault: oauth2test.ServerError(), status: 500, body: `"error":"server_error"`},
		{fault: oauth2test.RateLimited("Retry-After", "7"), status: 429, body: `"error":"slow_down"`},
		{fault: oauth2test.NoExpiresIn(), status: 200, body: `"token_type":"Bearer"}`, minted: true, granted: true},
		{fault: oauth2test.ExpiresIn(`"3600"`), status: 200, body: `"expires_in":"3600"}`, minted: true, granted: true},
		{fault: oauth2test.ExpiresIn(`1e300`), status: 200, body: `"expires_in":1e300}`, minted: true, granted: true},
		{fault: oauth2test.TokenType("mac"), status: 200, body: `"token_type":"mac"}`, minted: true, granted: true},
		{fault: oauth2test.TokenType(""), status: 200, body: `"expires_in":3600}`, minted: true, granted: true},
		{fault: oauth2test.EmptyToken(), status: 200, body: `"access_token":""}`, minted: true},
		{fault: oauth2test.WrongShape(), status: 200, body: `"token_type":1`},
		{fault: oauth2test.Status(502), status: 502, body: "Bad Gateway"},
		{fault: oauth2test.Redirect("http://127.0.0.1:1/"), status: 307},
		{fault: oauth2test.Answer(418, http.Header{"x-request-id": nil}, "short"), status: 418, body: "short"},
		{fault: oauth2test.HTML(), status: 200, body: "<!DOCTYPE"},
		{fault: oauth2test.EmptyBody(), status: 200},
		{fault: oauth2test.Reset(), err: syscall.ECONNRESET},
		{fault: oauth2test.LostReply(), err: syscall.ECONNRESET, minted: true},
		{fault: oauth2test.Timeout(), err: context.DeadlineExceeded},
		{fault: oauth2test.BrokenBody(), status: 200, body: `{"access_token":"at-`, err: io.ErrUnexpectedEOF, minted: true},
		{fault: oauth2test.SlowBody(time.Second), status: 200, err: context.DeadlineExceeded, minted: true, granted: true},
		{fault: oauth2test.EndlessBody(), status: 200, body: "  "},
	} {
		t.Run(c.fault.String(), func(t *testing.T) {
			reach(t, oauth2test.Config{}, func(t *testing.T, issuer *oauth2test.Issuer, do doer) {
				issuer.FailNext(1, c.fault)
				ctx, cancel := context.WithTimeout(t.Context(), brief)
				defer cancel()
				resp, err := do(newCall(ctx, t, issuer))
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
				calls := issuer.Calls()
				require.Len(t, calls, 1)
				assert.Equal(t, c.fault.String(), calls[0].Fault)
				assert.Equal(t, c.status, calls[0].Status)
				assert.Equal(t, c.minted, calls[0].Minted)
				assert.Equal(t, c.granted, calls[0].Granted())
				assert.NotEmpty(t, granted(t, issuer).Token, "the fault was for one call")
			})
		})
	}
}

func TestFaultsThatChangeTheAnswer(t *testing.T) {
	issuer := oauth2test.New(oauth2test.Config{})
	issuer.SetFault(oauth2test.NoExpiresIn())
	a := granted(t, issuer)
	assert.Empty(t, a.ExpiresIn.String())
	assert.True(t, issuer.Valid(a.Token))
	assert.Equal(t, time.Hour, issuer.Calls()[0].ExpiresIn)

	issuer.SetFault(oauth2test.TokenType(""))
	assert.Empty(t, granted(t, issuer).Type)

	issuer.SetFault(oauth2test.ExpiresIn("1")) // which leaves refusals alone
	req := newForm(t.Context(), t, "grant_type", "client_credentials")
	resp, refused := doer(issuer.RoundTripper().RoundTrip).ask(t, req)
	assert.Equal(t, http.StatusUnauthorized, resp.StatusCode)
	assert.Equal(t, "invalid_client", refused.Error)
	assert.Empty(t, refused.ExpiresIn.String())
}

func TestRateLimitedWithoutAHeader(t *testing.T) {
	issuer := oauth2test.New(oauth2test.Config{})
	do := doer(issuer.RoundTripper().RoundTrip)
	for _, c := range []struct{ header, value, want string }{{"", "", ""}, {"Retry-After", "7", "7"}} {
		issuer.FailNext(1, oauth2test.RateLimited(c.header, c.value))
		resp, _ := do.ask(t, newCall(t.Context(), t, issuer))
		assert.Equal(t, http.StatusTooManyRequests, resp.StatusCode)
		assert.Equal(t, c.want, resp.Header.Get("Retry-After"))
	}
}

func TestSlowBodyArrives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := oauth2test.New(oauth2test.Config{})
		issuer.FailNext(1, oauth2test.SlowBody(time.Second))
		begin := time.Now()
		a := granted(t, issuer)
		assert.True(t, issuer.Valid(a.Token))
		assert.Greater(t, time.Since(begin), 80*time.Second)
	})
}
