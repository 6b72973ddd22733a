package larksdk

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/bearer"
)

// FuzzMarker: a marker is what the Cache gave, to the letter, whatever a "user's token" may say; and
// each key has one app, whose marker names it.
func FuzzMarker(f *testing.F) {
	for _, m := range []marker{{app: "cli_a", kind: bearer.Tenant}, {app: "cli_a", kind: bearer.App}, {app: "cli_a", kind: bearer.Tenant, tenant: "t1"}, {app: "cli_a", kind: bearer.Access, anyTenant: true}} {
		f.Add(strings.TrimPrefix(m.String(), markerPrefix), "tenant_access_token-cli_a-t1")
	}
	f.Add("tenant.Y2xpX2F.", "tenant_access_token:app_secret:cli_a:"+digest+":t1")
	f.Add("user..", "app_access_token:app_secret:cli_a:"+digest)
	f.Add("", "tenant_access_token:client_assertion:cli_a:t1:localhost:8080")
	f.Fuzz(func(t *testing.T, end, key string) {
		for _, text := range []string{"Bearer " + markerPrefix + end, "Bearer " + end} {
			m, ok := markerOf(&http.Request{Header: http.Header{"Authorization": {text}}})
			if ok {
				assert.Equal(t, text, "Bearer "+m.String())
			}
		}
		m, ok := parseKey(key)
		if !ok {
			return
		}
		assert.True(t, looksLikeToken(key))
		assert.Contains(t, key, m.app)
		assert.Contains(t, key, m.tenant)
		again, ok := markerOf(&http.Request{Header: http.Header{"Authorization": {"Bearer " + m.String()}}})
		require.True(t, ok)
		assert.Equal(t, m, again)
	})
}
