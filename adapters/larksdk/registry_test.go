package larksdk_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/adapters/larksdk"
	"github.com/onetoken-go/onetoken/fetcher/bearer"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

// Of one app there may be two clients, to one of which it is a store app: whichever New was last, each
// has the tokens of its own.
func TestOneAppInTwoClients(t *testing.T) {
	store := func(c *larksdk.Config) {
		c.Apps[0].Source = gives("of-app")
		c.Apps[0].ForTenant = func(tenant string) bearer.Source { return gives("of-" + tenant) }
	}
	selfBuilt := func(c *larksdk.Config) { c.Apps[0].Source = gives("of-itself") }
	for edge, order := range map[string][]func(*larksdk.Config){"store app first": {store, selfBuilt}, "store app last": {selfBuilt, store}} {
		w := newWorld(feishutest.New(feishutest.Config{}))
		w.replies = func(*http.Request) *http.Response { return reply(200, `{"code":0,"msg":""}`) }
		for i := range order {
			sdks := []*sdkClient{w.sdk(t, order[0]), w.sdk(t, order[1])}
			w.sent = nil
			_, err := sdks[i].call(t.Context(), sdkCall{method: http.MethodGet, path: "/x", takes: []string{"tenant"}, tenant: "t1"})
			require.NoError(t, err)
			want := "of-itself"
			if (i == 0) == (edge == "store app first") {
				want = "of-t1"
			}
			assert.Equal(t, []string{host + " /x Bearer " + want}, w.requests(), edge)
		}
	}
}

// A key of an unknown form does not say its tenant: a store app's token is not guessed, not even if the
// app has one without a tenant.
func TestUnknownTenant(t *testing.T) {
	w := newWorld(feishutest.New(feishutest.Config{}))
	sdk := w.sdk(t, func(c *larksdk.Config) {
		c.Apps[0].ForTenant = func(string) bearer.Source { return gives("of-somebody") }
	})
	sdk.form.tenant = func(app, tenant string) string { return "v9:tenant_access_token:" + app + ":x:" + tenant }
	_, err := sdk.call(t.Context(), sdkCall{method: http.MethodGet, path: "/x", takes: []string{"tenant"}, tenant: "t1"})
	require.ErrorIs(t, err, larksdk.ErrNoTenant)
	assert.ErrorContains(t, err, "the form of its key is unknown: see whether there is a newer version of onetoken")
	assert.Empty(t, w.requests())
}
