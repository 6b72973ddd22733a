package bearer_test

import (
	"cmp"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/bearer"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

// TestRejects: which replies heal, by who tells. Those of Feishu, the zero value, are in TestEveryCode
// and TestFileIsNoRejection.
func TestRejects(t *testing.T) {
	challenge := http.Header{"Www-Authenticate": {`Bearer error="invalid_token"`}}
	file := http.Header{"Content-Disposition": {"attachment"}}
	const expired = `{"errcode":42001,"errmsg":"access_token expired rid: 5f"}`
	for edge, c := range map[string]struct {
		rejects bearer.Rejects
		status  int // 0: 200
		header  http.Header
		media   string // "": JSON
		body    string
		heals   bool
	}{
		"RFC 6750, its challenge":       {bearer.RFC6750Rejects, 401, challenge, "text/html", "<html>", true},
		"RFC 6750, bare 401":            {bearer.RFC6750Rejects, 401, nil, "", "{}", false},
		"RFC 6750, Feishu's code":       {bearer.RFC6750Rejects, 401, nil, "", rejection, false},
		"unauthorized, bare 401":        {bearer.UnauthorizedRejects, 401, nil, "", "{}", true},
		"unauthorized, 403":             {bearer.UnauthorizedRejects, 403, challenge, "", "{}", false},
		"Feishu, bare 401":              {nil, 401, nil, "", "{}", false},
		"Feishu, a challenge":           {nil, 401, challenge, "", "{}", false},
		"Feishu, by name":               {bearer.FeishuRejects, 400, nil, "", rejection, true},
		"WeChat, expired":               {bearer.WeChatRejects, 0, nil, "application/json; encoding=utf-8", expired, true},
		"WeChat, as plain text":         {bearer.WeChatRejects, 0, nil, "text/plain", expired, true},
		"WeChat, not the latest":        {bearer.WeChatRejects, 0, nil, "", `{"errmsg":"x","errcode":40001}`, true},
		"WeChat, no such token":         {bearer.WeChatRejects, 0, nil, "", `{"errcode":40014,"errmsg":""}`, true},
		"WeChat, no token":              {bearer.WeChatRejects, 0, nil, "", `{"errcode":41001,"errmsg":"access_token missing"}`, false},
		"WeChat, done":                  {bearer.WeChatRejects, 0, nil, "", `{"errcode":0,"errmsg":"ok"}`, false},
		"WeChat, Feishu's code":         {bearer.WeChatRejects, 0, nil, "", rejection, false},
		"WeChat, another status":        {bearer.WeChatRejects, 400, nil, "", expired, false},
		"WeChat, a file":                {bearer.WeChatRejects, 0, file, "", expired, false},
		"WeChat, an image":              {bearer.WeChatRejects, 0, nil, "image/jpeg", expired, false},
		"WeChat, within":                {bearer.WeChatRejects, 0, nil, "", `{"data":` + expired + `,"errcode":0,"errmsg":""}`, false},
		"one of the caller's, by body":  {saysDead, 0, nil, "text/plain", "token is dead", true},
		"one of the caller's, no match": {saysDead, 0, nil, "text/plain", "token is fine", false},
	} {
		t.Run(edge, func(t *testing.T) {
			s := newStage(t, feishutest.Config{MintEveryCall: true}, on(func(*http.Request) (*http.Response, error) {
				resp := reply(cmp.Or(c.status, 200), cmp.Or(c.media, jsonType), c.body)
				for name := range c.header {
					resp.Header[name] = c.header[name]
				}
				return resp, nil
			}), func(b *bearer.Config) { b.Rejects = c.rejects })
			status, body := s.do(t, newRequest(t, http.MethodGet, query, nil))
			assert.Equal(t, cmp.Or(c.status, 200), status)
			assert.Equal(t, c.body, body, "whole")
			assert.Equal(t, c.heals, s.calls() == 2)
			assert.Equal(t, s.tenants(), s.authorizations())
		})
	}
}

// The APIs of a user's sign-in have codes of their own for the app's token, which elsewhere may be anything.
func TestRejectsAtSignIn(t *testing.T) {
	const (
		signIn  = "/open-apis/authen/v1/oidc/access_token"
		refresh = "/open-apis/authen/v1/oidc/refresh_access_token"
		app     = `{"code":20014,"message":"The app access token passed is invalid. Please check the value."}`
	)
	for edge, c := range map[string]struct {
		path  string
		body  string
		heals bool
	}{
		"app token":                {signIn, app, true},
		"app token, as documented": {signIn, `{"code":20014,"msg":"The app access token passed is invalid."}`, true},
		"tenant token":             {signIn, `{"code":20013,"msg":"The tenant access token passed is invalid."}`, true},
		"refreshed":                {refresh, app, true},
		"behind a gateway":         {"/gw" + signIn, app, true},
		"a code of all APIs":       {signIn, rejection, true},
		"no message":               {signIn, `{"code":20014}`, false},
		"two messages":             {signIn, `{"code":20014,"msg":"","message":""}`, false},
		"wrong secret":             {signIn, `{"code":20002,"msg":"The app_id or app_secret passed is incorrect."}`, false},
		"the user's code":          {signIn, `{"code":20003,"msg":"The code passed is invalid."}`, false},
		"done":                     {signIn, `{"code":0,"msg":"success"}`, false},
		"an older API":             {"/open-apis/authen/v1/access_token", app, false}, // whose page does not list it
		"another API":              {feishutest.QueryPath, app, false},
		"another API, with msg":    {feishutest.QueryPath, `{"code":20014,"msg":""}`, false},
		"another API, by a query":  {feishutest.QueryPath + "?" + signIn, `{"code":20013,"msg":""}`, false},
		"another API, and message": {feishutest.QueryPath, `{"code":99991663,"message":""}`, false},
	} {
		t.Run(edge, func(t *testing.T) {
			s := newStage(t, feishutest.Config{MintEveryCall: true}, on(func(*http.Request) (*http.Response, error) {
				return reply(200, jsonType, c.body), nil
			}), func(b *bearer.Config) { b.Kind = bearer.App })
			_, body := s.do(t, newRequest(t, http.MethodPost, "https://"+host+c.path, strings.NewReader(`{"code":"x"}`)))
			assert.Equal(t, c.body, body, "whole")
			assert.Equal(t, c.heals, s.calls() == 2)
		})
	}
	resp := reply(200, jsonType, app)
	defer resp.Body.Close()
	_, rejected := bearer.FeishuRejects(resp)
	assert.False(t, rejected, "of no request")
}

func saysDead(resp *http.Response) (string, bool) {
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close() // does nothing to the caller's
	return "dead", err == nil && string(body) == "token is dead"
}

// Whatever a Rejects of the caller's reads, it is bounded, and the caller's all the same.
func TestRejectsThatReadsTooMuch(t *testing.T) {
	long := strings.Repeat("x", 3*bound)
	var read int
	var got error
	s := newStage(t, feishutest.Config{}, on(func(*http.Request) (*http.Response, error) {
		return reply(200, "text/plain", long), nil
	}), func(c *bearer.Config) {
		c.Rejects = func(resp *http.Response) (string, bool) {
			var body []byte
			body, got = io.ReadAll(resp.Body)
			read = len(body)
			return "", false
		}
	})
	_, body := s.do(t, newRequest(t, http.MethodGet, query, nil))
	assert.LessOrEqual(t, read, bound+1)
	require.Error(t, got)
	assert.True(t, long == body, "a byte is lost")
}

// A rejection that was not read to its end gives its connection back: nothing of it is left behind.
func TestRejectionIsReadToItsEnd(t *testing.T) {
	var bodies []*counter
	s := newStage(t, feishutest.Config{MintEveryCall: true}, on(func(*http.Request) (*http.Response, error) {
		body := &counter{Reader: strings.NewReader("<html>" + strings.Repeat(" ", 1000))}
		bodies = append(bodies, body)
		resp := reply(http.StatusUnauthorized, "text/html", "")
		resp.Body = body
		return resp, nil
	}), func(c *bearer.Config) { c.Rejects = bearer.UnauthorizedRejects })
	resp, err := s.client.Transport.RoundTrip(newRequest(t, http.MethodGet, query, nil))
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Len(t, bodies, 2)
	assert.Equal(t, 1006, bodies[0].read)
	assert.Zero(t, bodies[1].read, "the caller's")
}
