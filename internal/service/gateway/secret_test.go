package gateway_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/gateway"
)

const (
	wsPath     = "/callback/ws/endpoint"
	signInPath = "/open-apis/authen/v2/oauth/token"
	resendPath = "/open-apis/auth/v3/app_ticket/resend"
)

// The client's secret goes no further, and the app's goes to the API alone.
func TestSecretBodies(t *testing.T) {
	s := open(t)
	for path, names := range map[string][2]string{
		wsPath: {"AppID", "AppSecret"}, signInPath: {"client_id", "client_secret"}, resendPath: {"app_id", "app_secret"},
	} {
		for _, id := range []string{"cli_crm", "crm"} {
			body := `{"` + names[0] + `":"` + id + `","more":{"n":1.0},"` + names[1] + `":"` + botSecret + `"}`
			r := s.request(http.MethodPost, path+"?x=1", s.standIn(), body)
			g := s.send(r)
			assert.Equal(t, 200, g.status, g.body)
			got := s.api.last(t)
			assert.Equal(t, path+"?x=1", got.uri)
			assert.Empty(t, got.header.Values("Authorization"))
			assert.NotContains(t, got.body, botSecret)
			var sent map[string]any
			require.NoError(t, json.Unmarshal([]byte(got.body), &sent))
			assert.Equal(t, map[string]any{names[0]: "cli_crm", names[1]: appSecret, "more": map[string]any{"n": 1.0}}, sent)
			assert.Equal(t, gateway.Use{Client: "bot", Credential: "crm", Status: 200}, s.lastUse())
		}
	}
}

func TestSignInByForm(t *testing.T) {
	s := open(t)
	r := s.request(http.MethodPost, signInPath, "", url.Values{"client_id": {"cli_crm"}, "client_secret": {botSecret}, "code": {"a b&c"}, "scope": {"x", "y"}}.Encode())
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	assert.Equal(t, 200, s.send(r).status)
	sent, err := url.ParseQuery(s.api.last(t).body)
	require.NoError(t, err)
	assert.Equal(t, url.Values{"client_id": {"cli_crm"}, "client_secret": {appSecret}, "code": {"a b&c"}, "scope": {"x", "y"}}, sent)
}

// Each kind of body wants its word in the client's may, and the client's own secret.
func TestSecretBodiesRefused(t *testing.T) {
	s := open(t)
	for path, c := range map[string]struct {
		names  [2]string
		word   string
		status int
		wrong  int
		mayNot int
	}{
		wsPath:                  {[2]string{"AppID", "AppSecret"}, "ws", 200, 1000040345, 200},
		signInPath:              {[2]string{"client_id", "client_secret"}, "user_login", 400, 20002, 403},
		resendPath:              {[2]string{"app_id", "app_secret"}, "ws", 200, 10014, 403},
		signInPath + "/":        {[2]string{"client_id", "client_secret"}, "user_login", 400, 20002, 403},
		"/Callback/WS/Endpoint": {[2]string{"AppID", "AppSecret"}, "ws", 200, 1000040345, 200},
	} {
		send := func(id, secret string) got {
			return s.call(http.MethodPost, path, "", `{"`+c.names[0]+`":"`+id+`","`+c.names[1]+`":"`+secret+`"}`)
		}
		g := send("cli_crm", noteSecret)
		assert.Equal(t, c.mayNot, g.status, path)
		assert.Equal(t, 403, g.Code)
		assert.Equal(t, c.mayNot == 200, strings.Contains(g.body, `"data":{}`), g.body)
		assert.Contains(t, g.Msg, "add "+c.word+" to its may")
		assert.Equal(t, gateway.Use{Client: "notes", Credential: "crm", Status: c.mayNot, Refused: "may not " + c.word}, s.lastUse())
		for _, wrong := range []got{send("cli_crm", appSecret), send("cli_erp", botSecret), send("cli_crm", "")} {
			assert.Equal(t, c.status, wrong.status, path)
			assert.Equal(t, c.wrong, wrong.Code, path)
			assert.Equal(t, "wrong secret or app", s.lastUse().Refused)
		}
		for _, body := range []string{"", "[]", "null", "{}", `{"` + c.names[0] + `":"cli_crm"}`, `{"` + c.names[0] + `":1,"` + c.names[1] + `":"` + botSecret + `"}`,
			`{"` + c.names[0] + `":null,"` + c.names[1] + `":"` + botSecret + `"}`, `{"` + c.names[0] + `":"x","` + c.names[0] + `":"cli_crm","` + c.names[1] + `":"` + botSecret + `"}`,
			`{"` + c.names[0] + `":"cli_crm","` + c.names[1] + `":"` + botSecret + `"} {}`, strings.Repeat(" ", 64<<10) + "{}"} {
			g := s.call(http.MethodPost, path, "", body)
			assert.Equal(t, 400, g.status, "%s: %.20s", path, body)
		}
		assert.Equal(t, 405, s.call(http.MethodGet, path, "", "").status)
	}
	assert.Equal(t, "invalid_client", s.call(http.MethodPost, signInPath, "", `{"client_id":"cli_crm","client_secret":"x"}`).Error)
	assert.Equal(t, "unauthorized_client", s.call(http.MethodPost, signInPath, "", `{"client_id":"cli_crm","client_secret":"`+noteSecret+`"}`).Error)
	assert.Empty(t, s.api.requests())
}

// A user's sign-in by the app access token is answered with a user's token, too.
func TestSignInByAppToken(t *testing.T) {
	s := open(t)
	for _, path := range []string{"/open-apis/authen/v1/access_token", "/open-apis/authen/v1/oidc/access_token", "/open-apis/authen/v1/OIDC/refresh_access_token/", "/open-apis/authen/v1/refresh_access_token", "/open-apis/mina/v2/tokenLoginValidate",
		"/open-apis/authen/v1/%2561ccess_token", "/open-apis/authen/v1/access_token%20", "/open-apis/authen/v1./access_token."} {
		notes := s.ask(appPath, "cli_crm", noteSecret)
		g := s.call(http.MethodPost, path, notes.App, `{"code":"x"}`)
		assert.Equal(t, 403, g.status, path)
		assert.Contains(t, g.Msg, "user_login")
		bot := s.ask(appPath, "cli_crm", botSecret)
		assert.Equal(t, 0, s.call(http.MethodPost, path, bot.App, `{"code":"x"}`).Code)
		assert.Equal(t, "a-REAL-token-cli_crm-1", s.api.last(t).token)
	}
	assert.Equal(t, 0, s.call(http.MethodGet, "/open-apis/authen/v1/user_info", s.standIn(), "").Code, "what needs a user's token is the API's to say")
}

// A client that a reload takes away while its body comes gets nothing with it.
func TestClientThatIsRemovedWhileItsBodyComes(t *testing.T) {
	s := open(t)
	for path, body := range map[string]string{
		wsPath:     `{"AppID":"crm","AppSecret":"` + botSecret + `"}`,
		tenantPath: `{"app_id":"crm","app_secret":"` + botSecret + `"}`,
	} {
		s.admit(everybody()...)
		r := s.request(http.MethodPost, path, "", body)
		r.Body, r.ContentLength = io.NopCloser(io.MultiReader(readFunc(func([]byte) (int, error) {
			s.admit()
			return 0, io.EOF
		}), strings.NewReader(body))), -1
		assert.Contains(t, []int{1000040345, 10014}, s.send(r).Code, path)
	}
	assert.Empty(t, s.api.requests())
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }
