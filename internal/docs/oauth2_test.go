package docs

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/oauth2cc"
	"github.com/onetoken-go/onetoken/tokencache"
	"github.com/onetoken-go/onetoken/tokencache/tokencachetest"
)

// authorizeByOAuth2 is how docs/embedding.md asks an OAuth 2 server.
func authorizeByOAuth2(ctx context.Context, req *http.Request, cache *tokencache.Cache, tokenURL, id, secret string) error {
	server, err := oauth2cc.New(oauth2cc.Config{
		TokenURL:     tokenURL, // https://login.example.com/oauth2/token
		ClientID:     id,
		ClientSecret: tokencache.NewSecret(secret),
		Scopes:       []string{"orders.read"},
	})
	if err != nil {
		return err
	}
	tokens := cache.Source(server) // one for each set of scopes; then share it

	tok, err := tokens.Get(ctx)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+tok.AccessToken())
	return nil
}

func TestOAuth2(t *testing.T) {
	login := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, secret, _ := r.BasicAuth()
		assert.Equal(t, []string{"client-1", "a-secret", "orders.read"}, []string{id, secret, r.PostFormValue("scope")})
		_, _ = io.WriteString(w, `{"access_token":"token-1","expires_in":3600}`)
	}))
	defer login.Close()
	req := httptest.NewRequest(http.MethodGet, "https://api.example.com/orders", nil)
	require.NoError(t, authorizeByOAuth2(t.Context(), req, tokencachetest.New(t), login.URL, "client-1", "a-secret"))
	assert.Equal(t, "Bearer token-1", req.Header.Get("Authorization"))
}
