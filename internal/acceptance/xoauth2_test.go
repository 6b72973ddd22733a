package acceptance_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/onetoken-go/onetoken/fetcher/oauth2test"
)

func TestXOAuth2(t *testing.T) {
	const odd = "p+s w%2F:ü*'"
	issuer := oauth2test.New(oauth2test.Config{Clients: []oauth2test.Client{
		{ID: "any"},
		{ID: "body", Auth: oauth2test.AuthBody},
		{ID: "strict", Scopes: []string{"read", "write"}, Audiences: []string{"https://api.test"}},
		{ID: "odd:id +", Secret: odd},
	}})
	server := httptest.NewServer(issuer)
	defer server.Close()
	for _, c := range []struct {
		edge   string
		config clientcredentials.Config
		code   string // of the refusal; "" for a token
		status int
	}{
		{edge: "header", config: clientcredentials.Config{ClientID: "any", AuthStyle: oauth2.AuthStyleInHeader}},
		{edge: "body", config: clientcredentials.Config{ClientID: "any", AuthStyle: oauth2.AuthStyleInParams}},
		{edge: "either, tried out", config: clientcredentials.Config{ClientID: "body"}},
		{edge: "odd id and secret, header", config: clientcredentials.Config{ClientID: "odd:id +", ClientSecret: odd, AuthStyle: oauth2.AuthStyleInHeader}},
		{edge: "odd id and secret, body", config: clientcredentials.Config{ClientID: "odd:id +", ClientSecret: odd, AuthStyle: oauth2.AuthStyleInParams}},
		{edge: "scopes and audience", config: clientcredentials.Config{
			ClientID: "strict", Scopes: []string{"write", "read"}, EndpointParams: url.Values{"audience": {"https://api.test"}},
		}},
		{edge: "another scope", config: clientcredentials.Config{ClientID: "strict", Scopes: []string{"admin"}}, code: "invalid_scope", status: 400},
		{edge: "another secret", config: clientcredentials.Config{ClientID: "any", ClientSecret: "guess"}, code: "invalid_client", status: 401},
	} {
		t.Run(c.edge, func(t *testing.T) {
			c.config.TokenURL = server.URL + oauth2test.TokenPath
			if c.config.ClientSecret == "" {
				c.config.ClientSecret = "test-secret"
			}
			token, err := c.config.Token(t.Context())
			if c.code != "" {
				var refused *oauth2.RetrieveError
				require.ErrorAs(t, err, &refused)
				assert.Equal(t, c.code, refused.ErrorCode)
				assert.Equal(t, c.status, refused.Response.StatusCode)
				return
			}
			require.NoError(t, err)
			assert.True(t, issuer.Valid(token.AccessToken))
			assert.Equal(t, "Bearer", token.Type())
			assert.InDelta(t, time.Hour.Seconds(), time.Until(token.Expiry).Seconds(), 5)

			resp, err := oauth2.NewClient(t.Context(), oauth2.StaticTokenSource(token)).Get(server.URL + oauth2test.APIPath)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			assert.Equal(t, http.StatusOK, resp.StatusCode)
		})
	}
}

// Without a socket, where an hour passes in a moment: its cached token ends when the issuer says so.
func TestXOAuth2InABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := oauth2test.New(oauth2test.Config{})
		ctx := context.WithValue(t.Context(), oauth2.HTTPClient, &http.Client{Transport: issuer.RoundTripper()})
		config := clientcredentials.Config{
			ClientID: issuer.ClientID(), ClientSecret: issuer.ClientSecret(), TokenURL: "https://issuer.test" + oauth2test.TokenPath,
		}
		source := config.TokenSource(ctx)
		for range 10 {
			token, err := source.Token()
			require.NoError(t, err)
			assert.True(t, issuer.Valid(token.AccessToken))
			time.Sleep(30 * time.Minute)
		}
		assert.Equal(t, oauth2test.Stats{Calls: 5, Minted: 5}, issuer.Stats())

		issuer.FailNext(1, oauth2test.NoExpiresIn())
		token, err := config.Token(ctx)
		require.NoError(t, err)
		assert.True(t, token.Expiry.IsZero())
		issuer.FailNext(1, oauth2test.ExpiresIn(`"3600"`))
		token, err = config.Token(ctx)
		require.NoError(t, err)
		assert.Equal(t, time.Hour, time.Until(token.Expiry))
		issuer.FailNext(1, oauth2test.EmptyToken())
		_, err = config.Token(ctx)
		require.Error(t, err)
		issuer.SetFault(oauth2test.TemporarilyUnavailable())
		_, err = config.Token(ctx)
		var refused *oauth2.RetrieveError
		require.True(t, errors.As(err, &refused))
		assert.Equal(t, "temporarily_unavailable", refused.ErrorCode)
	})
}
