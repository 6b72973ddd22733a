package larksdk_test

import (
	"bytes"
	"context"
	cryptorand "crypto/rand"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/adapters/larksdk"
	"github.com/onetoken-go/onetoken/fetcher/bearer"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
	"github.com/onetoken-go/onetoken/tokencache/tokencachetest"
)

// Without the adapter each of these makes calls of its own: 10 replicas, 50 callers in each, no token.
func TestColdCallersCostOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(feishutest.New(feishutest.Config{Latency: 130 * time.Millisecond}))
		w.latency = 20 * time.Millisecond
		redis := newFar(t)
		var wg sync.WaitGroup
		for replica := range 10 {
			tokenCache, client := w.adapter(t, tokencachetest.On(t, redis.replica(fmt.Sprint(replica))))
			sdk := new(sdkPackage).newClient(sdkClient{app: "cli_test", base: "https://" + host, http: client, form: third}, tokenCache)
			for caller := range 50 {
				wg.Go(func() {
					call := tenantCall
					if caller%5 == 0 {
						call = appCall
					}
					reply, err := sdk.call(t.Context(), call)
					if assert.NoError(t, err) {
						assert.Equal(t, sdkReply{200, 0, `{"code":0,"msg":"of cli_test"}`, 1}, reply)
					}
				})
			}
		}
		wg.Wait()
		assert.Equal(t, 1, w.issuers[host].Stats().Calls)
	})
}

// The token ends under 100 calls and an upload of 5 MB: all of them succeed at the SDK's first try,
// the file whole, and the issuer is asked once.
func TestRevokedUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := feishutest.New(feishutest.Config{Latency: 130 * time.Millisecond})
		w := newWorld(issuer)
		w.latency = 20 * time.Millisecond
		tokenCache, client := w.adapter(t, tokencachetest.On(t, newFar(t).replica("far")))
		sdk := new(sdkPackage).newClient(sdkClient{app: "cli_test", base: "https://" + host, http: client, form: third}, tokenCache)
		_, err := sdk.call(t.Context(), tenantCall)
		require.NoError(t, err)
		require.True(t, issuer.Revoke(issuer.Pairs()[0].Tenant))

		file := make([]byte, 5<<20)
		_, _ = rand.NewChaCha8([32]byte{7}).Read(file)
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				reply, err := sdk.call(t.Context(), tenantCall)
				if assert.NoError(t, err) {
					assert.Equal(t, sdkReply{200, 0, `{"code":0,"msg":"of cli_test"}`, 1}, reply)
				}
			})
		}
		wg.Go(func() {
			reply, err := sdk.call(t.Context(), upload(bytes.NewReader(file)))
			if assert.NoError(t, err) {
				assert.Equal(t, sdkReply{200, 0, `{"code":0,"msg":"` + sum(file) + `"}`, 1}, reply)
			}
		})
		wg.Wait()
		assert.Equal(t, 2, issuer.Stats().Calls, "the first, and one for all of them")
		assert.Len(t, w.requests(), 1+2*101)
	})
}

// What the SDK chooses is sent.
func TestKinds(t *testing.T) {
	issuer := feishutest.New(feishutest.Config{})
	w := newWorld(issuer)
	sdk := w.sdk(t)
	for _, call := range []sdkCall{
		tenantCall, appCall,
		{method: http.MethodGet, path: userCall.path, takes: []string{"user", "tenant"}, user: "u-1"},
		{method: http.MethodGet, path: "/open-apis/none", takes: []string{"none"}},
	} {
		_, err := sdk.call(t.Context(), call)
		require.NoError(t, err)
	}
	pair := issuer.Pairs()[0]
	assert.Equal(t, []string{
		host + " /open-apis/tenant Bearer " + pair.Tenant,
		host + " /open-apis/app Bearer " + pair.App,
		host + " /open-apis/user Bearer u-1",
		host + " /open-apis/none ",
	}, w.requests())

	_, err := sdk.call(t.Context(), userCall)
	require.EqualError(t, err, "user access token is empty")
	assert.Len(t, w.requests(), 4, "nothing sent")
}

// A user's token that is rejected is the user's: the fleet's stays, and the SDK hears of it.
func TestRejectedUserToken(t *testing.T) {
	issuer := feishutest.New(feishutest.Config{})
	w := newWorld(issuer)
	reply, err := w.sdk(t).call(t.Context(), sdkCall{method: http.MethodGet, path: userCall.path, takes: []string{"user"}, user: "u-old"})
	require.NoError(t, err)
	assert.Equal(t, 99991663, reply.code)
	assert.Zero(t, issuer.Stats().Calls)
}

// A tenant's token that a call is given is sent as it is, and its rejection is the caller's: nothing is
// replaced, and the fleet not told. Up to v3.4.0 the SDK itself goes by its cache.
func TestTenantTokenOfACall(t *testing.T) {
	call := tenantCall
	call.own = "t-own"
	for name, takesOwn := range map[string]bool{"v3.12": true, "v3.4": false} {
		issuer := feishutest.New(feishutest.Config{})
		w := newWorld(issuer)
		sdk := w.sdk(t)
		sdk.takesOwn = takesOwn
		reply, err := sdk.call(t.Context(), call)
		require.NoError(t, err)
		if !takesOwn {
			assert.Equal(t, 200, reply.status, name)
			assert.Equal(t, []string{host + " /open-apis/tenant Bearer " + issuer.Pairs()[0].Tenant}, w.requests())
			continue
		}
		assert.Equal(t, 99991663, reply.code, name)
		assert.Equal(t, 2, reply.tries, "the SDK's own")
		own := host + " /open-apis/tenant Bearer t-own"
		assert.Equal(t, []string{own, own}, w.requests())
		assert.Zero(t, issuer.Stats().Calls)
	}
}

// A rejected app token is replaced as a tenant's is.
func TestRejectedAppToken(t *testing.T) {
	issuer := feishutest.New(feishutest.Config{})
	w := newWorld(issuer)
	sdk := w.sdk(t)
	_, err := sdk.call(t.Context(), appCall)
	require.NoError(t, err)
	require.True(t, issuer.Revoke(issuer.Pairs()[0].App))
	got, err := sdk.call(t.Context(), appCall)
	require.NoError(t, err)
	assert.Equal(t, sdkReply{200, 0, `{"code":0,"msg":"of cli_test"}`, 1}, got)
	pairs := issuer.Pairs()
	assert.Equal(t, []string{
		host + " /open-apis/app Bearer " + pairs[0].App,
		host + " /open-apis/app Bearer " + pairs[0].App,
		host + " /open-apis/app Bearer " + pairs[1].App,
	}, w.requests())
	assert.Equal(t, 2, issuer.Stats().Calls)
}

// The rejection of one tenant's token is told to the Source of that tenant, and to no other.
func TestRejectedTokenOfATenant(t *testing.T) {
	tokens := func(names ...string) (all []tokencache.Token) {
		for _, name := range names {
			all = append(all, tokencache.NewToken("", name, time.Hour))
		}
		return all
	}
	one, two, app := &script{tokens: tokens("dead", "next")}, &script{tokens: tokens("other")}, &script{}
	w := newWorld(feishutest.New(feishutest.Config{}))
	w.replies = func(req *http.Request) *http.Response {
		if req.Header.Get("Authorization") == "Bearer dead" {
			return rejected()
		}
		return reply(200, `{"code":0,"msg":""}`)
	}
	sdk := w.sdk(t, func(c *larksdk.Config) {
		c.Apps[0].Source = app
		c.Apps[0].ForTenant = func(tenant string) bearer.Source { return map[string]bearer.Source{"one": one, "two": two}[tenant] }
	})
	for _, tenant := range []string{"one", "two"} {
		call := tenantCall
		call.tenant = tenant
		got, err := sdk.call(t.Context(), call)
		require.NoError(t, err)
		assert.Equal(t, 1, got.tries)
	}
	const path = host + " /open-apis/tenant Bearer "
	assert.Equal(t, []string{path + "dead", path + "next", path + "other"}, w.requests())
	require.Len(t, one.told, 1)
	assert.True(t, tokens("dead")[0].Equal(one.told[0]))
	assert.Empty(t, two.told)
	assert.Empty(t, app.told)
}

// Each form of key that the SDK has had, for each kind: a marker, and never a token.
func TestGenerations(t *testing.T) {
	for name, form := range forms {
		t.Run(name, func(t *testing.T) {
			issuer := feishutest.New(feishutest.Config{})
			w := newWorld(issuer)
			sdk := w.sdk(t)
			sdk.form = form
			for _, tenant := range []string{"", "2ed263bf32cf1651"} {
				call := tenantCall
				call.tenant = tenant
				for _, call := range []sdkCall{call, appCall} {
					reply, err := sdk.call(t.Context(), call)
					require.NoError(t, err)
					assert.Equal(t, http.StatusOK, reply.status)
				}
			}
			assert.Equal(t, 1, issuer.Stats().Calls)
		})
	}
}

// Two clients of two issuers in one process: the SDK's package has the cache of the last, and both
// have their own tokens. So has a client of an app that is nowhere, as before.
func TestClientsInOneProcess(t *testing.T) {
	one := feishutest.New(feishutest.Config{AppID: "cli_one"})
	two := feishutest.New(feishutest.Config{AppID: "cli_two"})
	other := feishutest.New(feishutest.Config{AppID: "cli_" + cryptorand.Text()}) // the memory is the process's
	net := newWorld(one, two, other)
	apps := net.apps(t, tokencachetest.New(t))
	pkg := new(sdkPackage)
	var clients []*sdkClient
	for i := range 2 {
		tokenCache, client, err := larksdk.New(larksdk.Config{Apps: apps[i : i+1], Base: net})
		require.NoError(t, err)
		clients = append(clients, pkg.newClient(sdkClient{app: apps[i].ID, base: "https://" + hostOf(i), http: client, form: third}, tokenCache))
	}
	clients = append(clients, pkg.newClient(sdkClient{app: other.AppID(), base: "https://" + hostOf(2), http: &http.Client{Transport: net}, form: third}, nil))
	for range 2 {
		for i, sdk := range clients {
			reply, err := sdk.call(t.Context(), tenantCall)
			require.NoError(t, err)
			assert.Contains(t, reply.body, "of "+net.issuers[hostOf(i)].AppID())
			assert.Equal(t, 1, net.issuers[hostOf(i)].Stats().Calls)
		}
	}

	crossed := clients[0]
	crossed.http = clients[1].http
	_, err := crossed.call(t.Context(), tenantCall)
	require.ErrorIs(t, err, larksdk.ErrForeignApp)
	assert.ErrorContains(t, err, "cli_one. Give its lark.NewClient, by lark.WithHttpClient, the Client")
}

func TestThreeAppsInOneAdapter(t *testing.T) {
	w := newWorld(feishutest.New(feishutest.Config{AppID: "cli_a"}), feishutest.New(feishutest.Config{AppID: "cli_b"}), feishutest.New(feishutest.Config{AppID: "cli_c"}))
	tokenCache, client := w.adapter(t, tokencachetest.New(t))
	pkg := new(sdkPackage)
	for i, form := range []keyForm{first, second, third} {
		app := w.issuers[hostOf(i)].AppID()
		sdk := pkg.newClient(sdkClient{app: app, base: "https://" + hostOf(i), http: client, form: form}, tokenCache)
		for _, call := range []sdkCall{tenantCall, appCall} {
			reply, err := sdk.call(t.Context(), call)
			require.NoError(t, err)
			assert.Contains(t, reply.body, "of "+app)
		}
		assert.Equal(t, 1, w.issuers[hostOf(i)].Stats().Calls)
	}
}

// A store app has the Source of each tenant, and of the app.
func TestStoreApp(t *testing.T) {
	w := newWorld(feishutest.New(feishutest.Config{AppID: "cli_store"}))
	w.replies = func(*http.Request) *http.Response { return reply(200, `{"code":0,"msg":""}`) }
	for name, form := range map[string]keyForm{"first": first, "second": second, "third": third} {
		w.sent = nil
		sdk := w.sdk(t, func(c *larksdk.Config) {
			c.Apps[0].Source = gives("of-app")
			c.Apps[0].ForTenant = func(tenant string) bearer.Source {
				if tenant == "nobody" {
					return nil
				}
				return gives("of-" + tenant)
			}
		})
		sdk.form = form
		for _, call := range []sdkCall{
			{method: http.MethodGet, path: "/x", takes: []string{"tenant"}, tenant: "t1"},
			{method: http.MethodGet, path: "/x", takes: []string{"tenant"}, tenant: "t2"},
			{method: http.MethodGet, path: "/x", takes: []string{"app"}},
		} {
			_, err := sdk.call(t.Context(), call)
			require.NoError(t, err, name)
		}
		assert.Equal(t, []string{host + " /x Bearer of-t1", host + " /x Bearer of-t2", host + " /x Bearer of-app"}, w.requests(), name)
		_, err := sdk.call(t.Context(), sdkCall{method: http.MethodGet, path: "/x", takes: []string{"tenant"}, tenant: "nobody"})
		require.ErrorIs(t, err, larksdk.ErrNoTenant)
	}
}

// Redis is dead from the beginning, and later: nothing fails while the issuer answers.
func TestRedisIsDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, dead := range []string{"from the beginning", "later"} {
			issuer := feishutest.New(feishutest.Config{Latency: 130 * time.Millisecond})
			w := newWorld(issuer)
			redis := newFar(t)
			tokenCache, client := w.adapter(t, tokencachetest.On(t, redis.replica("far")))
			sdk := new(sdkPackage).newClient(sdkClient{app: "cli_test", base: "https://" + host, http: client, form: third}, tokenCache)
			if dead == "later" {
				_, err := sdk.call(t.Context(), tenantCall)
				require.NoError(t, err)
			}
			redis.Each((*redistest.Link).Down)
			for range 3 {
				for range 20 {
					reply, err := sdk.call(t.Context(), tenantCall)
					require.NoError(t, err)
					require.Equal(t, sdkReply{200, 0, `{"code":0,"msg":"of cli_test"}`, 1}, reply)
				}
				pairs := issuer.Pairs()
				require.True(t, issuer.Revoke(pairs[len(pairs)-1].Tenant))
			}
			assert.Equal(t, 3, issuer.Stats().Calls, "one for each token")
		}
	})
}

// A store app whose Source was left out has tokens of tenants alone.
func TestStoreAppWithoutSource(t *testing.T) {
	w := newWorld(feishutest.New(feishutest.Config{}))
	sdk := w.sdk(t, func(c *larksdk.Config) {
		c.Apps[0].Source, c.Apps[0].ForTenant = nil, func(string) bearer.Source { return gives("x") }
	})
	_, err := sdk.call(t.Context(), appCall)
	require.ErrorIs(t, err, larksdk.ErrNoSource)
	require.NotErrorIs(t, err, larksdk.ErrNoTenant)
	require.ErrorContains(t, err, "cli_test")
	assert.Empty(t, w.requests())
}

// A ForTenant that looks into a map of pointers returns a nil one for a tenant that is not there.
func TestTenantThatIsNone(t *testing.T) {
	tenants := map[string]*tokencache.Source{}
	for name, forTenant := range map[string]func(string) bearer.Source{
		"nil":           func(string) bearer.Source { return nil },
		"a nil pointer": func(tenant string) bearer.Source { return tenants[tenant] },
	} {
		w := newWorld(feishutest.New(feishutest.Config{}))
		sdk := w.sdk(t, func(c *larksdk.Config) { c.Apps[0].ForTenant = forTenant })
		call := tenantCall
		call.tenant = "t-gone"
		_, err := sdk.call(t.Context(), call)
		require.ErrorIs(t, err, larksdk.ErrNoTenant, name)
		assert.Empty(t, w.requests())
	}
}

// What stays rejected is an error at the SDK's first try: the SDK's second and ours do not multiply,
// and no upload is sent empty.
func TestRejectionThatStays(t *testing.T) {
	for name, call := range map[string]sdkCall{
		"GET":    tenantCall,
		"POST":   {method: http.MethodPost, path: "/open-apis/post", takes: []string{"tenant"}},
		"app":    appCall,
		"upload": upload(strings.NewReader("file")),
	} {
		t.Run(name, func(t *testing.T) {
			issuer := feishutest.New(feishutest.Config{MintEveryCall: true})
			w := newWorld(issuer)
			w.replies = func(*http.Request) *http.Response { return rejected() }
			got, err := w.sdk(t).call(t.Context(), call)
			var stays *bearer.RejectedError
			require.ErrorAs(t, err, &stays)
			assert.Equal(t, "code 99991663", stays.Reason)
			assert.Equal(t, 1, got.tries)
			assert.Len(t, w.requests(), 2)
			assert.Equal(t, 2, issuer.Stats().Calls)
		})
	}
}

// Nothing that the SDK holds or prints has a token.
func TestNothingShowsAToken(t *testing.T) {
	issuer := feishutest.New(feishutest.Config{})
	w := newWorld(issuer)
	tokenCache, client := w.adapter(t, tokencachetest.New(t))
	var shown []string
	sdk := new(sdkPackage).newClient(sdkClient{app: "cli_test", base: "https://" + host, http: client, form: third}, tokenCache)
	sdk.log = func(line string) { shown = append(shown, line) }
	for _, call := range []sdkCall{tenantCall, appCall} {
		_, err := sdk.call(t.Context(), call)
		require.NoError(t, err)
	}
	require.Len(t, shown, 2)
	assert.Contains(t, shown[0], "onetoken-stands-for-a-token.")
	require.NoError(t, tokenCache.Set(t.Context(), "tenant_access_token-cli_foreign-", "t-FOREIGN", time.Hour))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d"} {
		shown = append(shown, fmt.Sprintf(verb+verb, tokenCache, client))
	}
	require.NoError(t, tokenCache.Set(t.Context(), third.tenant("cli_test", ""), "t-OWN", time.Hour))
	for _, key := range []string{third.tenant("cli_test", ""), third.app("cli_test", "")} {
		value, err := tokenCache.Get(t.Context(), key)
		require.NoError(t, err)
		shown = append(shown, value)
	}
	all := strings.Join(shown, "\n")
	for _, secret := range []string{issuer.Pairs()[0].Tenant, issuer.Pairs()[0].App, "t-FOREIGN", "t-OWN"} {
		assert.NotContains(t, all, secret)
	}
	assert.True(t, slices.ContainsFunc(w.requests(), func(r string) bool { return strings.Contains(r, issuer.Pairs()[0].App) }))
}

// gives is a Source with one token, as a tenant's and as the app's.
type gives string

func (g gives) Get(ctx context.Context) (tokencache.Token, error) {
	return tokencache.NewToken(string(g), string(g), time.Hour), ctx.Err()
}

func (g gives) Invalidate(context.Context, tokencache.Token) error { return nil }
