package docs

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/fetcher/bearer"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
	"github.com/onetoken-go/onetoken/tokencache/tokencachetest"
)

// queryTenant is how docs/embedding.md calls a business API.
func queryTenant(ctx context.Context, tokens *tokencache.Source, feishu *fetcher.Feishu) (*http.Response, error) {
	transport, err := bearer.New(bearer.Config{Source: tokens, Hosts: []string{feishu.Origin()}}) // nobody else gets the token
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: transport, Timeout: 10 * time.Second} // once; then share it

	req, err := http.NewRequestWithContext(ctx, http.MethodGet, feishu.BaseURL()+"/open-apis/tenant/v2/tenant/query", nil)
	if err != nil {
		return nil, err
	}
	return client.Do(req) // with the token; if it was rejected, once more with the next
}

// The base URL may be written with slashes at its end, or without.
func TestBearer(t *testing.T) {
	for _, slashes := range []string{"", "/", "//"} {
		issuer := feishutest.New(feishutest.Config{})
		server := httptest.NewServer(issuer)
		defer server.Close()
		feishu, err := fetcher.NewFeishu(fetcher.FeishuConfig{AppID: issuer.AppID(), AppSecret: tokencache.NewSecret(issuer.AppSecret()), BaseURL: server.URL + slashes})
		require.NoError(t, err)
		tokens := tokencachetest.New(t).Source(feishu)
		for range 2 {
			resp, err := queryTenant(t.Context(), tokens, feishu)
			require.NoError(t, err)
			resp.Body.Close()
			assert.Equal(t, http.StatusOK, resp.StatusCode)
			require.True(t, issuer.Revoke(issuer.Pairs()[0].Tenant) || issuer.Stats().Calls == 2)
		}
		assert.Equal(t, 2, issuer.Stats().Calls)
	}
}
