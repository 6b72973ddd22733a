//go:build !386 && !arm && !mips && !mipsle

package sdk

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	lark "github.com/larksuite/oapi-sdk-go/v3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/adapters/larksdk"
	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
	"github.com/onetoken-go/onetoken/tokencache/tokencachetest"
)

// atTheGateway is how docs/gateway.md makes a client of the SDK. Its test comes first: a cache that a client
// is given, as the other has one, is that of all clients in the process.
func atTheGateway() *lark.Client {
	client := lark.NewClient("cli_a1b2c3d4e5f6g7h8", os.Getenv("BOT_SECRET"), lark.WithOpenBaseUrl("http://127.0.0.1:8082"))
	return client
}

// The SDK asks at the gateway's address for what it takes for the app's token, and calls there. An issuer
// stands in for the gateway, which answers like one.
func TestTheSDKAtTheGateway(t *testing.T) {
	gateway := feishutest.New(feishutest.Config{AppID: "cli_a1b2c3d4e5f6g7h8"})
	server := httptest.NewServer(gateway)
	defer server.Close()
	t.Setenv("BOT_SECRET", gateway.AppSecret())
	leadTo(t, "127.0.0.1:8082", server.Listener.Addr().String())

	tenant, err := atTheGateway().Tenant.V2.Tenant.Query(t.Context())
	require.NoError(t, err)
	require.True(t, tenant.Success(), tenant.Msg)
	assert.Equal(t, "A tenant of cli_a1b2c3d4e5f6g7h8", *tenant.Data.Tenant.Name)
	assert.Equal(t, 1, gateway.Stats().Calls)
}

// leadTo has all connections go to one address, which have to be meant for the other.
func leadTo(t *testing.T, from, to string) {
	t.Helper()
	transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		assert.Equal(t, from, address)
		return new(net.Dialer).DialContext(ctx, network, to)
	}}
	before := http.DefaultTransport
	http.DefaultTransport = transport
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		http.DefaultTransport = before
	})
}

// withTheFleetsToken is how docs/sdk.md makes a client of the SDK.
func withTheFleetsToken(id, secret string, feishu *fetcher.Feishu, tokenCache *larksdk.Cache, client *larksdk.Client) *lark.Client {
	sdk := lark.NewClient(id, secret, lark.WithOpenBaseUrl(feishu.BaseURL()), lark.WithTokenCache(tokenCache), lark.WithHttpClient(client))
	return sdk
}

// The SDK calls with the fleet's token, and a call whose token was revoked is healed.
func TestTheSDKWithTheFleetsToken(t *testing.T) {
	issuer := feishutest.New(feishutest.Config{})
	server := httptest.NewServer(issuer)
	defer server.Close()
	feishu, err := fetcher.NewFeishu(fetcher.FeishuConfig{AppID: issuer.AppID(), AppSecret: tokencache.NewSecret(issuer.AppSecret()), BaseURL: server.URL})
	require.NoError(t, err)
	tokenCache, client, err := larksdk.New(larksdk.Config{
		Apps:    []larksdk.App{{ID: issuer.AppID(), Source: tokencachetest.New(t).Source(feishu), Hosts: []string{feishu.Origin()}}},
		Timeout: 10 * time.Second,
	})
	require.NoError(t, err)
	sdk := withTheFleetsToken(issuer.AppID(), "not-the-secret", feishu, tokenCache, client)

	for calls := 1; calls <= 2; calls++ {
		tenant, err := sdk.Tenant.V2.Tenant.Query(t.Context())
		require.NoError(t, err)
		require.True(t, tenant.Success(), tenant.Msg)
		assert.Equal(t, "A tenant of "+issuer.AppID(), *tenant.Data.Tenant.Name)
		assert.Equal(t, calls, issuer.Stats().Calls)
		issuer.Revoke(issuer.Pairs()[calls-1].Tenant)
	}
}
