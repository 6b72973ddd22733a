package feishutest

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"

	"github.com/onetoken-go/onetoken/fetcher/internal/lookalike"
)

// userLife is how long a user's token lives; the real issuer says 2 h as well.
const userLife = 2 * time.Hour

// login of a user, by the code that the browser brought back.
type login struct {
	appID string
	code  string
	token string
	ends  time.Time
}

// newLogins has the logins by token and by code. Codes and tokens cannot be taken for each other.
func newLogins() *lookalike.Book[login] {
	return lookalike.NewBook(
		func(l *login) []string { return []string{l.token, codeName(l.code)} },
		func(l *login) time.Time { return l.ends },
	)
}

func codeName(code string) string { return "code " + code }

// signIn is what a sign-in has to state.
type signIn struct {
	GrantType string `json:"grant_type"`
	ID        string `json:"client_id"`
	Secret    string `json:"client_secret"`
	Code      string `json:"code"`
}

// Refusals of a sign-in, each with a status and a form of its own.
// https://open.feishu.cn/document/authentication-management/access-token/get-user-access-token
var (
	missingParameter = notSignedIn{20001, "invalid_request", "The request is missing a required parameter."}
	badClientSecret  = notSignedIn{20002, "invalid_client", "The client secret is invalid."}
	otherGrant       = notSignedIn{20036, "unsupported_grant_type", "The specified grant_type is not supported."}
	noSuchApp        = notSignedIn{20048, "invalid_client", "The specified app does not exist."}
	malformedSignIn  = notSignedIn{20063, "invalid_request", "The request is malformed. Please check your request."}
	codeUsed         = notSignedIn{20065, "invalid_grant", "The authorization code has been used. Please note that an authorization code can only be used once."}
)

type notSignedIn struct {
	Code        int    `json:"code"`
	Error       string `json:"error"`
	Description string `json:"error_description"`
}

func (n notSignedIn) reply() lookalike.Reply {
	rep := lookalike.JSON(http.StatusBadRequest, n)
	rep.Code, rep.Error = n.Code, n.Error
	return rep
}

// respondSignIn gives a user's token for a code. No browser is there to bring one: any code is good,
// once, and says who the user is. An error means that the body did not arrive.
func (i *Issuer) respondSignIn(r *http.Request) (lookalike.Reply, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
	if err != nil {
		return lookalike.Reply{}, err
	}
	s, good := readSignIn(r.Header.Get("Content-Type"), body)
	if !good {
		return malformedSignIn.reply(), nil
	}
	return i.signIn(s), nil
}

// readSignIn reads JSON, as the documentation has it, or a form, which libraries of OAuth 2 send.
func readSignIn(contentType string, body []byte) (s signIn, good bool) {
	if isJSON(contentType) {
		return s, json.Unmarshal(body, &s) == nil
	}
	if media, _, _ := mime.ParseMediaType(contentType); media != "application/x-www-form-urlencoded" {
		return s, false
	}
	form, err := url.ParseQuery(string(body))
	return signIn{form.Get("grant_type"), form.Get("client_id"), form.Get("client_secret"), form.Get("code")}, err == nil
}

func (i *Issuer) signIn(s signIn) lookalike.Reply {
	i.mu.Lock()
	defer i.mu.Unlock()
	app := i.apps[s.ID]
	switch {
	case s.GrantType == "" || s.ID == "" || s.Secret == "" || s.Code == "":
		return missingParameter.reply()
	case s.GrantType != "authorization_code":
		return otherGrant.reply()
	case app == nil:
		return noSuchApp.reply()
	case s.Secret != app.secret:
		return badClientSecret.reply()
	case i.logins.Find(codeName(s.Code)) != nil:
		return codeUsed.reply()
	}
	now := time.Now()
	l := &login{appID: app.id, code: s.Code, token: "u-" + rand.Text(), ends: now.Add(userLife)}
	i.logins.Add(l, now)
	return lookalike.JSON(http.StatusOK, map[string]any{
		"code": 0, "access_token": l.token, "expires_in": int(userLife / time.Second), "token_type": "Bearer", "scope": "auth:user.id:read",
	})
}

// badUserToken stands in the issuer's table for every token that is no user's.
// https://open.feishu.cn/document/server-docs/getting-started/server-error-codes
var badUserToken = refused{99991668, "Invalid access token for authorization. Please make a test with token attached."}

// respondUser is a business API that takes users' tokens alone.
// https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/reference/authen-v1/user_info/get
func (i *Issuer) respondUser(r *http.Request) lookalike.Reply {
	token, ok := bearerToken(r)
	if !ok {
		return noToken.reply()
	}
	l, ok := i.loginOf(token)
	if !ok {
		return badUserToken.reply()
	}
	return success("success", map[string]string{
		"name": "A user of " + l.appID, "open_id": "ou_" + l.code, "union_id": "on_" + l.code, "tenant_key": "test-tenant",
	})
}

// loginOf is the one that token is of, if it is valid.
func (i *Issuer) loginOf(token string) (login, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	l := i.logins.Find(token)
	if l == nil || l.token != token || lookalike.Remaining(l.ends, time.Time{}, time.Now()) == 0 {
		return login{}, false
	}
	return *l, true
}
