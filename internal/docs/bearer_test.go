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

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/fetcher/bearer"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
	"github.com/onetoken-go/onetoken/tokencache/tokencachetest"
)

// newClient is made once, and shared: docs/embedding.md has it, and queryTenant.
func newClient(tokens *tokencache.Source, feishu *fetcher.Feishu) (*http.Client, error) {
	transport, err := bearer.New(bearer.Config{Source: tokens, Hosts: []string{feishu.Origin()}}) // no other host gets the token
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: transport, Timeout: 10 * time.Second}, nil
}

func queryTenant(ctx context.Context, client *http.Client, feishu *fetcher.Feishu) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, feishu.BaseURL()+"/open-apis/tenant/v2/tenant/query", nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req) // with the token; if the API rejects it, once more with the next
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(io.LimitReader(resp.Body, 1<<20))
}

// The base URL may be written with slashes at its end, or without.
func TestBearer(t *testing.T) {
	for _, slashes := range []string{"", "/", "//"} {
		issuer := feishutest.New(feishutest.Config{})
		server := httptest.NewServer(issuer)
		defer server.Close()
		feishu, err := fetcher.NewFeishu(fetcher.FeishuConfig{AppID: issuer.AppID(), AppSecret: tokencache.NewSecret(issuer.AppSecret()), BaseURL: server.URL + slashes})
		require.NoError(t, err)
		client, err := newClient(tokencachetest.New(t).Source(feishu), feishu)
		require.NoError(t, err)
		for range 2 {
			answer, err := queryTenant(t.Context(), client, feishu)
			require.NoError(t, err)
			assert.Contains(t, string(answer), "A tenant of "+issuer.AppID())
			require.True(t, issuer.Revoke(issuer.Pairs()[0].Tenant) || issuer.Stats().Calls == 2)
		}
		assert.Equal(t, 2, issuer.Stats().Calls)
	}
}
