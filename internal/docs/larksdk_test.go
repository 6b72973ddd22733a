package docs

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/adapters/larksdk"
	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
	"github.com/onetoken-go/onetoken/tokencache/tokencachetest"
)

// larkCache and larkHTTPClient are what the SDK wants: larkcore.Cache and larkcore.HttpClient.
type (
	larkCache interface {
		Set(ctx context.Context, key string, value string, expireTime time.Duration) error
		Get(ctx context.Context, key string) (string, error)
	}
	larkHTTPClient interface {
		Do(*http.Request) (*http.Response, error)
	}
)

// forTheSDK is how docs/sdk.md sets the official SDK up.
func forTheSDK(id string, tokens *tokencache.Source, feishu *fetcher.Feishu) (larkCache, larkHTTPClient, error) {
	tokenCache, client, err := larksdk.New(larksdk.Config{
		Apps:    []larksdk.App{{ID: id, Source: tokens, Hosts: []string{feishu.Origin()}}}, // any number of apps
		Timeout: 10 * time.Second,                                                          // in place of lark.WithReqTimeout
	})
	return tokenCache, client, err
}

func TestLarkSDK(t *testing.T) {
	issuer := feishutest.New(feishutest.Config{})
	server := httptest.NewServer(issuer)
	defer server.Close()
	feishu, err := fetcher.NewFeishu(fetcher.FeishuConfig{AppID: issuer.AppID(), AppSecret: tokencache.NewSecret(issuer.AppSecret()), BaseURL: server.URL})
	require.NoError(t, err)
	tokenCache, client, err := forTheSDK(issuer.AppID(), tokencachetest.New(t).Source(feishu), feishu)
	require.NoError(t, err)

	standsForIt, err := tokenCache.Get(t.Context(), "tenant_access_token-"+issuer.AppID()+"-")
	require.NoError(t, err)
	for range 2 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+feishutest.QueryPath, nil)
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+standsForIt)
		resp, err := client.Do(req)
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		require.NoError(t, err)
		assert.Contains(t, string(body), "A tenant of")
		require.True(t, issuer.Revoke(issuer.Pairs()[0].Tenant) || issuer.Stats().Calls == 2)
	}
	assert.Equal(t, 2, issuer.Stats().Calls)
}
