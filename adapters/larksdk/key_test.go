package larksdk

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/fetcher/bearer"
)

const digest = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func TestParseKey(t *testing.T) {
	for key, want := range map[string]marker{
		"app_access_token-cli_a":                                           {app: "cli_a", kind: bearer.App},
		"app_access_token:app_secret:cli_a:" + digest:                      {app: "cli_a", kind: bearer.App},
		"tenant_access_token-cli_a-":                                       {app: "cli_a", kind: bearer.Tenant},
		"tenant_access_token-cli_a-t1":                                     {app: "cli_a", kind: bearer.Tenant, tenant: "t1"},
		"tenant_access_token-cli_a-t-1":                                    {app: "cli_a", kind: bearer.Tenant, tenant: "t-1"},
		"tenant_access_token:app_secret:cli_a:":                            {app: "cli_a", kind: bearer.Tenant},
		"tenant_access_token:app_secret:cli_a:t1":                          {app: "cli_a", kind: bearer.Tenant, tenant: "t1"},
		"tenant_access_token:app_secret:cli_a:" + digest + ":":             {app: "cli_a", kind: bearer.Tenant},
		"tenant_access_token:app_secret:cli_a:" + digest + ":t1":           {app: "cli_a", kind: bearer.Tenant, tenant: "t1"},
		"tenant_access_token:client_assertion:cli_a::accounts.feishu.cn":   {app: "cli_a", kind: bearer.Access},
		"tenant_access_token:client_assertion:cli_a:t1:localhost:8080":     {app: "cli_a", kind: bearer.Access, tenant: "t1"},
		"tenant_access_token:client_assertion:cli_a:t1:http://x.example:1": {app: "cli_a", kind: bearer.Access, tenant: "t1"},
	} {
		got, ok := parseKey(key)
		assert.True(t, ok, key)
		assert.Equal(t, want, got, key)
		assert.True(t, looksLikeToken(key))
	}
	for key, want := range map[string]marker{ // a tenant may look like a digest
		"tenant_access_token:app_secret:cli_a:" + digest:                   {app: "cli_a", kind: bearer.Tenant, tenant: digest},
		"tenant_access_token:app_secret:cli_a:" + digest + ":" + digest:    {app: "cli_a", kind: bearer.Tenant, tenant: digest},
		"tenant_access_token-cli_a-" + digest:                              {app: "cli_a", kind: bearer.Tenant, tenant: digest},
		"tenant_access_token:client_assertion:cli_a:" + digest + ":host.x": {app: "cli_a", kind: bearer.Access, tenant: digest},
	} {
		got, ok := parseKey(key)
		assert.True(t, ok, key)
		assert.Equal(t, want, got, key)
	}
	for _, key := range []string{
		"", "app_ticket-cli_a", "app_access_token", "app_access_token-", "tenant_access_token:", "app_access_token-cli_a-t1",
		"tenant_access_token:app_secret:", "tenant_access_token:app_secret:cli_a:x:t1", "tenant_access_token:client_assertion:cli_a",
		"tenant_access_token:client_assertion:cli_a:t1", "app_access_token:client_assertion:cli_a:t1:x", "app_access_token:app_secret:cli_a:" + digest + ":t1", "tenant_access_token:v4:cli_a",
		"user_access_token-cli_a", "x-app_access_token-cli_a",
	} {
		_, ok := parseKey(key)
		assert.False(t, ok, key)
	}
	assert.False(t, looksLikeToken("app_ticket-cli_a"))
}

func TestGuessKey(t *testing.T) {
	isKnown := func(app string) bool { return app == "cli_a" }
	for key, want := range map[string]marker{
		"v4:tenant_access_token:cli_a:x":                {app: "cli_a", kind: bearer.Tenant, anyTenant: true},
		"lark/app_access_token/cli_a":                   {app: "cli_a", kind: bearer.App},
		"tenant_access_token:client_assertion:v2:cli_a": {app: "cli_a", kind: bearer.Access, anyTenant: true},
		"cli_a.tenant_access_token-cli_ab":              {app: "cli_a", kind: bearer.Tenant, anyTenant: true},
	} {
		got, ok := guessKey(key, isKnown)
		assert.True(t, ok, key)
		assert.Equal(t, want, got)
	}
	_, ok := guessKey("v4:tenant_access_token:cli_ab:x", isKnown)
	assert.False(t, ok)
	assert.Equal(t, "app_access_token:app_secret:cli_a:[digest]", withoutDigest("app_access_token:app_secret:cli_a:"+digest))
}
