package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

func TestTokenAsJSON(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	for _, kind := range []string{"app", "tenant"} {
		got := town.run(t, "token", "--json", "--kind", kind)
		require.Equal(t, exitOK, got.code, got.stderr)
		assert.Equal(t, 1, strings.Count(got.stdout, "\n"))
		var o map[string]any
		require.NoError(t, json.Unmarshal([]byte(got.stdout), &o))
		pair := town.issuer.Pairs()[0]
		expires, err := time.Parse(time.RFC3339, o["expires_at"].(string))
		require.NoError(t, err)
		assert.InDelta(t, 7200, time.Until(expires).Seconds(), 30)
		assert.InDelta(t, 7200, o["expires_in_seconds"], 30)
		delete(o, "expires_at")
		delete(o, "expires_in_seconds")
		assert.Equal(t, map[string]any{
			"app_id": "cli_test", "kind": kind, "token": map[string]string{"app": pair.App, "tenant": pair.Tenant}[kind],
			"app_access_token": pair.App, "tenant_access_token": pair.Tenant,
			"handed_out_again": false,
		}, o)
	}
	town.issuer.SetFault(feishutest.Answer(200, nil, `{"code":0,"msg":"ok","app_access_token":"a-1","expire":7200}`))
	got := town.with("ONETOKEN_PREFIX", "other").run(t, "token", "--json")
	assert.Contains(t, got.stdout, `"token":"a-1","app_access_token":"a-1","tenant_access_token":null,`)
}
