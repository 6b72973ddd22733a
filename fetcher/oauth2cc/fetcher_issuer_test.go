package oauth2cc_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/oauth2cc"
	"github.com/onetoken-go/onetoken/fetcher/oauth2test"
	"github.com/onetoken-go/onetoken/tokencache"
	"github.com/onetoken-go/onetoken/tokencache/tokencachetest"
)

// serving is an issuer that keeps to the standard, and a config for its client.
func serving(t *testing.T, client oauth2test.Client) (*oauth2test.Issuer, string, oauth2cc.Config) {
	t.Helper()
	issuer := oauth2test.New(oauth2test.Config{Clients: []oauth2test.Client{client}})
	web := httptest.NewServer(issuer)
	t.Cleanup(web.Close)
	return issuer, web.URL, oauth2cc.Config{TokenURL: web.URL + "/token", ClientID: client.ID, ClientSecret: tokencache.NewSecret(client.Secret)}
}

// Whatever characters an id and a secret have, a server that decodes them as the standard says takes
// them, in the way that it wants them and in no other.
func TestIssuerTakesTheSecret(t *testing.T) {
	for _, id := range []string{"client-1", "a:b%c+d e&f=ü"} {
		for _, secret := range []string{"plain-secret", "per%cent", "%2B%25", "pl+us", "co:lon:", "a space", "ключ-秘密", `quo"te\`, "a&b=c;d", "~!*'()"} {
			for auth, method := range map[oauth2cc.Auth]oauth2test.AuthMethod{oauth2cc.Basic: oauth2test.AuthBasic, oauth2cc.Body: oauth2test.AuthBody} {
				issuer, _, c := serving(t, oauth2test.Client{ID: id, Secret: secret, Auth: method})
				c.Auth = auth
				tok, err := newFetcher(t, c).Fetch(t.Context())
				require.NoError(t, err, "%s, %s, %v", id, secret, auth)
				assert.True(t, issuer.Valid(tok.AccessToken()))

				c.Auth = oauth2cc.Basic + oauth2cc.Body - auth
				e := fetchError(t, c)
				assert.Equal(t, "invalid_client", oauth2cc.ErrorCode(e))
				assert.Contains(t, e.Advice, "whether the server wants id and secret")
			}
		}
	}
}

func TestIssuerRefuses(t *testing.T) {
	for code, change := range map[string]func(*oauth2cc.Config){
		"invalid_client": func(c *oauth2cc.Config) { c.ClientSecret = tokencache.NewSecret("another") },
		"invalid_scope":  func(c *oauth2cc.Config) { c.Scopes = []string{"write"} },
		"invalid_target": func(c *oauth2cc.Config) { c.Resources = []string{"urn:other"} },
	} {
		issuer, _, c := serving(t, oauth2test.Client{ID: "client-1", Secret: "a-secret", Scopes: []string{"read"}, Resources: []string{"urn:api"}})
		change(&c)
		e := fetchError(t, c)
		assert.Equal(t, code, oauth2cc.ErrorCode(e), e.Message)
		assert.Equal(t, permanent, e.Class)
		assert.Equal(t, code == "invalid_client", oauth2cc.RejectsSecret(e))
		assert.Zero(t, issuer.Stats().Minted)
	}
}

func TestIssuerMisbehaves(t *testing.T) {
	issuer, _, c := serving(t, oauth2test.Client{ID: "client-1", Secret: "a-secret"})
	for message, fault := range map[string]oauth2test.Fault{
		"no expires_in, and no Life is configured":                oauth2test.NoExpiresIn(),
		"expires_in of 0 s, and no Life is configured":            oauth2test.ExpiresIn("0"),
		`a token of type "DPoP", not bearer`:                      oauth2test.TokenType("DPoP"),
		"expires_in of 99999999 s, above the MaxLife of 720h0m0s": oauth2test.ExpiresIn("99999999"),
	} {
		issuer.SetFault(fault)
		e := fetchError(t, c)
		assert.Equal(t, message, e.Message)
		assert.Equal(t, permanent, e.Class)
	}
	issuer.SetFault(oauth2test.NoExpiresIn())
	c.Life = 20 * time.Minute
	tok, err := newFetcher(t, c).Fetch(t.Context())
	require.NoError(t, err)
	assert.InDelta(t, c.Life.Seconds(), time.Until(tok.Expiry()).Seconds(), 10)
}

// The whole way: a token, an API that takes it, its end before its time, and the next one.
func TestRevokedTokenIsReplaced(t *testing.T) {
	issuer, url, c := serving(t, oauth2test.Client{ID: "client-1", Secret: "a-secret", Scopes: []string{"read"}})
	c.Scopes = []string{"read"}
	source := tokencachetest.New(t).Source(newFetcher(t, c))
	status := func(tok tokencache.Token) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/api?scope=read", nil)
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+tok.AccessToken())
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer resp.Body.Close()
		return resp.StatusCode, resp.Header.Get("WWW-Authenticate")
	}
	first, err := source.Get(t.Context())
	require.NoError(t, err)
	code, _ := status(first)
	require.Equal(t, http.StatusOK, code)

	require.True(t, issuer.Revoke(first.AccessToken()))
	code, challenge := status(first)
	require.Equal(t, http.StatusUnauthorized, code)
	require.Contains(t, challenge, `error="invalid_token"`)
	require.NoError(t, source.Invalidate(t.Context(), first))
	second, err := source.Get(t.Context())
	require.NoError(t, err)
	assert.NotEqual(t, first.AccessToken(), second.AccessToken())
	code, _ = status(second)
	assert.Equal(t, http.StatusOK, code)
	assert.Equal(t, 2, issuer.Stats().Minted)
}
