package larksdk

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// tokenPaths are where the SDK asks for app and tenant access tokens: in its keyless mode by OAuth 2.
var tokenPaths = []string{
	"/open-apis/auth/v3/app_access_token/internal",
	"/open-apis/auth/v3/tenant_access_token/internal",
	"/open-apis/auth/v3/app_access_token",
	"/open-apis/auth/v3/tenant_access_token",
	oauthPath,
}

const oauthPath = "/oauth/v3/token"

// appGrants are those by which the SDK asks for an app's token. All others are for a user's, which is
// the SDK's business.
var appGrants = map[string]bool{"client_credentials": true, "urn:ietf:params:oauth:grant-type:jwt-bearer": true}

// maxTokenRequest bounds what is read of a request to a token endpoint.
const maxTokenRequest = 64 << 10

// requestsToken reports whether a request asks for an app or tenant access token of one of the apps,
// and of which. What it reads of the body is a copy; a body that has none is not looked at.
func (c *Client) requestsToken(req *http.Request) (app string, ok bool) {
	path, ok := tokenPath(req)
	if !ok || req.GetBody == nil {
		return "", false
	}
	body, err := req.GetBody()
	if err != nil {
		return "", false
	}
	defer func() { _ = body.Close() }()
	text, err := io.ReadAll(io.LimitReader(body, maxTokenRequest))
	if err != nil {
		return "", false
	}
	form := parseTokenRequest(text)
	if path == oauthPath && !appGrants[form.grantType] {
		return "", false
	}
	_, ok = c.apps[form.app]
	return form.app, ok
}

// tokenPath finds the path behind that of a gateway, too.
func tokenPath(req *http.Request) (string, bool) {
	if req.Method != http.MethodPost || req.URL == nil {
		return "", false
	}
	for _, path := range tokenPaths {
		if strings.HasSuffix(strings.TrimSuffix(req.URL.Path, "/"), path) {
			return path, true
		}
	}
	return "", false
}

type tokenRequest struct{ app, grantType string }

// parseTokenRequest reads what the SDK sends as JSON, and OAuth 2 as a form.
func parseTokenRequest(text []byte) tokenRequest {
	var fields struct {
		AppID     string `json:"app_id"`
		ClientID  string `json:"client_id"`
		GrantType string `json:"grant_type"`
	}
	if json.Unmarshal(text, &fields) == nil {
		if fields.AppID == "" {
			fields.AppID = fields.ClientID
		}
		return tokenRequest{fields.AppID, fields.GrantType}
	}
	form, err := url.ParseQuery(string(text))
	if err != nil {
		return tokenRequest{}
	}
	return tokenRequest{form.Get("client_id"), form.Get("grant_type")}
}
