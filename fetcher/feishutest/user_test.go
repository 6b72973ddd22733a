package feishutest_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

const (
	asJSON = "application/json; charset=utf-8"
	asForm = "application/x-www-form-urlencoded"
)

func TestSignIn(t *testing.T) {
	for _, c := range []struct {
		edge        string
		contentType string
		body        string
		code        int
		error       string
	}{
		{edge: "JSON", contentType: asJSON, body: `{"grant_type":"authorization_code","client_id":"cli_test","client_secret":"test-secret","code":"1"}`},
		{edge: "a form", contentType: asForm, body: "grant_type=authorization_code&client_id=cli_test&client_secret=test-secret&code=1"},
		{"no code", asForm, "grant_type=authorization_code&client_id=cli_test&client_secret=test-secret", 20001, "invalid_request"},
		{"no secret", asForm, "grant_type=authorization_code&client_id=cli_test&code=1", 20001, "invalid_request"},
		{"another secret", asForm, "grant_type=authorization_code&client_id=cli_test&client_secret=guess&code=1", 20002, "invalid_client"},
		{"another grant", asForm, "grant_type=password&client_id=cli_test&client_secret=test-secret&code=1", 20036, "unsupported_grant_type"},
		{"another app", asForm, "grant_type=authorization_code&client_id=cli_b&client_secret=test-secret&code=1", 20048, "invalid_client"},
		{"no JSON", asJSON, "grant_type=authorization_code", 20063, "invalid_request"},
		{"no form", asForm, "%", 20063, "invalid_request"},
		{"neither", "text/plain", "{}", 20063, "invalid_request"},
	} {
		t.Run(c.edge, func(t *testing.T) {
			issuer := feishutest.New(feishutest.Config{})
			status, got := signIn(t, issuer, c.contentType, c.body)
			assert.Equal(t, c.code, got.Code)
			assert.Equal(t, c.error, got.Error)
			if c.code != 0 {
				assert.Equal(t, http.StatusBadRequest, status)
				assert.NotEmpty(t, got.Description)
				assert.Empty(t, got.Token)
				return
			}
			assert.Equal(t, http.StatusOK, status)
			assert.True(t, strings.HasPrefix(got.Token, "u-"), got.Token)
			assert.Equal(t, 7200, got.ExpiresIn)
			assert.Equal(t, "Bearer", got.Type)
			assert.Zero(t, issuer.Stats(), "it is no call of a token endpoint")
		})
	}
}

// A sign-in that is sent twice fails, as with the real issuer: the code is used up.
func TestSignInTwice(t *testing.T) {
	issuer := feishutest.New(feishutest.Config{})
	const wrong = "grant_type=authorization_code&client_id=cli_test&client_secret=guess&code=1"
	_, got := signIn(t, issuer, asForm, wrong)
	assert.Equal(t, 20002, got.Code)
	right := strings.Replace(wrong, "guess", "test-secret", 1)
	_, got = signIn(t, issuer, asForm, right)
	assert.Zero(t, got.Code, "a refusal uses up no code")
	_, got = signIn(t, issuer, asForm, right)
	assert.Equal(t, 20065, got.Code)
	assert.Equal(t, "invalid_grant", got.Error)
}

func TestSignInThatDoesNotArrive(t *testing.T) {
	broken := errors.New("the network is gone")
	for _, path := range []string{feishutest.SignInPath, feishutest.ConnectPath, feishutest.ResendPath} {
		req := newPostTo(t.Context(), t, path)
		req.Body = io.NopCloser(iotest.ErrReader(broken))
		resp, err := feishutest.New(feishutest.Config{}).RoundTripper().RoundTrip(req)
		if err == nil {
			resp.Body.Close()
		}
		assert.ErrorIs(t, err, broken, path)
	}
}

func TestUserInfo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := feishutest.New(feishutest.Config{})
		pair := issuer.Rotate()
		_, user := signIn(t, issuer, asForm, "grant_type=authorization_code&client_id=cli_test&client_secret=test-secret&code=42")
		ask := func(token string) string {
			resp, err := issuer.RoundTripper().RoundTrip(newGet(t, feishutest.UserInfoPath, token))
			require.NoError(t, err)
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			return string(body)
		}
		for _, c := range []struct{ edge, token, want string }{
			{"the user", user.Token, `"open_id":"ou_42"`},
			{"a tenant token", pair.Tenant, `"code":99991668`},
			{"an app token", pair.App, `"code":99991668`},
			{"another token", "u-guess", `"code":99991668`},
			{"what is no token", "code 42", `"code":99991668`},
			{"none", "", `"code":99991661`},
		} {
			assert.Contains(t, ask(c.token), c.want, c.edge)
		}
		time.Sleep(2*time.Hour - time.Nanosecond)
		assert.Contains(t, ask(user.Token), `"code":0`)
		time.Sleep(time.Nanosecond)
		assert.Contains(t, ask(user.Token), `"code":99991668`)
	})
}

type signedIn struct {
	Code        int
	Token       string `json:"access_token"`
	ExpiresIn   int    `json:"expires_in"`
	Type        string `json:"token_type"`
	Error       string
	Description string `json:"error_description"`
}

func signIn(t *testing.T, issuer *feishutest.Issuer, contentType, body string) (status int, got signedIn) {
	t.Helper()
	req := newPostTo(t.Context(), t, feishutest.SignInPath)
	req.Header.Set("Content-Type", contentType)
	req.Body = io.NopCloser(strings.NewReader(body))
	resp, err := issuer.RoundTripper().RoundTrip(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&got))
	return resp.StatusCode, got
}
