package larksdk_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/bearer"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

// Whatever the SDK takes as a rejection, in an error or in the reply to an upload, it does not get to
// see. A reply of 200 to anything else may be a file, about which bearer.FeishuRejects is strict.
func TestRejections(t *testing.T) {
	const disposition = "Content-Disposition"
	long := strings.Repeat(" ", 20<<10)
	calls := map[string]func() sdkCall{
		"GET":    func() sdkCall { return tenantCall },
		"POST":   func() sdkCall { return sdkCall{method: http.MethodPost, path: "/x", takes: []string{"tenant"}} },
		"upload": func() sdkCall { return upload(strings.NewReader("file")) },
	}
	for edge, c := range map[string]struct {
		status   int
		media    string
		body     string
		file     bool   // by its header
		rejected string // the calls for which it is one
	}{
		"as ever":              {400, "", `{"code":99991663,"msg":"Invalid access token for authorization"}`, false, "GET POST upload"},
		"as ever, of 200":      {200, "", `{"code":99991663,"msg":"Invalid access token for authorization"}`, false, "GET POST upload"},
		"byte order mark":      {400, "", "\xef\xbb\xbf" + `{"code":99991663,"msg":""}`, false, "GET POST upload"},
		"without a message":    {400, "", `{"code":99991664}`, false, "GET POST upload"},
		"message is a number":  {400, "", `{"code":99991664,"msg":1}`, false, "GET POST upload"},
		"the code twice":       {400, "", `{"code":0,"msg":"","code":99991671}`, false, "GET POST upload"},
		"another spelling":     {400, "", `{"Code":99991671,"msg":""}`, false, "GET POST upload"},
		"long":                 {400, "", `{"code":99991663,"msg":"","data":"` + long + `"}`, false, "GET POST upload"},
		"another media type":   {400, "application/json-seq", `{"code":99991664,"msg":""}`, false, "GET POST upload"},
		"to be saved":          {400, "", `{"code":99991664,"msg":""}`, true, "GET POST upload"},
		"without one, of 200":  {200, "", `{"code":99991664}`, false, "upload"},
		"long, of 200":         {200, "", `{"code":99991663,"msg":"","data":"` + long + `"}`, false, "upload"},
		"to be saved, of 200":  {200, "", `{"code":99991664,"msg":""}`, true, "upload"},
		"another code":         {400, "", `{"code":234001,"msg":"Invalid request param."}`, false, ""},
		"another code at last": {400, "", `{"code":99991663,"msg":"","code":0}`, false, ""},
		"within":               {400, "", `{"data":{"code":99991663},"code":1,"msg":""}`, false, ""},
		"within, long":         {400, "", `{"data":{"code":99991663},"code":1,"msg":"` + long + `"}`, false, ""},
		"long, and unknown":    {400, "", `{"msg":"` + long + `","code":99991663}`, false, ""},
		"no JSON":              {400, "text/html", `{"code":99991663,"msg":""}`, false, ""},
		"cut short":            {400, "", `{"code":99991663,"msg":"`, false, ""},
	} {
		for name, call := range calls {
			t.Run(edge+", "+name, func(t *testing.T) {
				w := newWorld(feishutest.New(feishutest.Config{MintEveryCall: true}))
				w.replies = func(*http.Request) *http.Response {
					resp := reply(c.status, c.body)
					resp.ContentLength = -1
					if c.media != "" {
						resp.Header.Set("Content-Type", c.media)
					}
					if c.file {
						resp.Header.Set(disposition, "attachment")
					}
					return resp
				}
				sdk := w.sdk(t)
				req, err := sdk.request(t.Context(), call(), "tenant")
				require.NoError(t, err)
				resp, err := sdk.http.Do(req)
				if !strings.Contains(c.rejected, name) {
					require.NoError(t, err)
					resp.Body.Close()
					assert.Len(t, w.requests(), 1)
					return
				}
				var rejected *bearer.RejectedError
				require.ErrorAs(t, err, &rejected)
				assert.Len(t, w.requests(), 2)
			})
		}
	}
}

// A user's sign-in goes by the app's token, and has a code of its own for one that is not valid. The SDK
// leaves that to its caller, who hears of it only if another token does not help.
func TestSignInWithARevokedAppToken(t *testing.T) {
	signIn := sdkCall{method: http.MethodPost, path: "/open-apis/authen/v1/oidc/access_token", takes: []string{"app"}}
	const refused = `{"code":20014,"message":"The app access token passed is invalid. Please check the value."}`
	issuer := feishutest.New(feishutest.Config{})
	w := newWorld(issuer)
	w.replies = func(req *http.Request) *http.Response {
		if issuer.Valid(strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ")) {
			return reply(http.StatusOK, `{"code":0,"msg":"success"}`)
		}
		return reply(http.StatusOK, refused)
	}
	sdk := w.sdk(t)
	succeeds := func() {
		got, err := sdk.call(t.Context(), signIn)
		require.NoError(t, err)
		assert.Equal(t, sdkReply{200, 0, `{"code":0,"msg":"success"}`, 1}, got)
	}
	succeeds()
	require.True(t, issuer.Revoke(issuer.Pairs()[0].App))
	succeeds()
	assert.Equal(t, 2, issuer.Stats().Calls)
	assert.Len(t, w.requests(), 3)

	w.replies = func(*http.Request) *http.Response { return reply(http.StatusOK, refused) }
	_, err := sdk.call(t.Context(), signIn)
	var rejected *bearer.RejectedError
	require.ErrorAs(t, err, &rejected)
	assert.Equal(t, "code 20014", rejected.Reason)
}
