package larksdk_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/adapters/larksdk"
	"github.com/onetoken-go/onetoken/fetcher/bearer"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
	"github.com/onetoken-go/onetoken/tokencache/tokencachetest"
)

// A marker does not leave for a host that is none of the app's.
func TestForeignHosts(t *testing.T) {
	w := newWorld(feishutest.New(feishutest.Config{}))
	sdk := w.sdk(t)
	for base, says := range map[string]string{
		"https://evil.example":          `"https://evil.example"`,
		"http://open.feishu.cn":         `"http://open.feishu.cn"`,
		"https://u:pw@open.larksuite.x": `"https://open.larksuite.x"`,
	} {
		sdk.base = base
		reply, err := sdk.call(t.Context(), tenantCall)
		require.ErrorIs(t, err, larksdk.ErrHost)
		assert.ErrorContains(t, err, says)
		assert.ErrorContains(t, err, "lark.WithOpenBaseUrl")
		assert.NotContains(t, err.Error(), "pw@")
		assert.Equal(t, 1, reply.tries)
	}
	assert.Empty(t, w.requests())
}

// A redirect is followed: with the token within App.Hosts, else without anything.
func TestRedirects(t *testing.T) {
	for edge, c := range map[string]struct {
		location string
		sent     string // ? stands for the token
	}{
		"within the host":                  {"/open-apis/tenant", host + " /open-apis/tenant ?"},
		"to a subdomain, with the marker":  {"https://files.open.feishu.cn/x", "files.open.feishu.cn /x "},
		"to another port, with the marker": {"https://open.feishu.cn:8443/x", "open.feishu.cn:8443 /x "},
		"to a foreign host":                {"https://evil.example/x", "evil.example /x "},
	} {
		t.Run(edge, func(t *testing.T) {
			issuer := feishutest.New(feishutest.Config{})
			w := newWorld(issuer)
			w.replies = func(req *http.Request) *http.Response {
				if req.URL.Path != "/open-apis/begin" {
					return reply(http.StatusOK, `{"code":0,"msg":""}`)
				}
				resp := reply(http.StatusFound, "")
				resp.Header.Set("Location", c.location)
				return resp
			}
			got, err := w.sdk(t).call(t.Context(), sdkCall{method: http.MethodGet, path: "/open-apis/begin", takes: []string{"tenant"}})
			require.NoError(t, err)
			assert.Equal(t, http.StatusOK, got.status)
			token := "Bearer " + issuer.Pairs()[0].Tenant
			assert.Equal(t, []string{host + " /open-apis/begin " + token, strings.ReplaceAll(c.sent, "?", token)}, w.requests())
		})
	}
}

// Only the text that the Cache of this process gave is a marker: nobody else can name an app's token.
func TestMarkersOfOthers(t *testing.T) {
	w := newWorld(feishutest.New(feishutest.Config{}))
	tokenCache, client := w.adapter(t, tokencachetest.New(t))
	marker, err := tokenCache.Get(t.Context(), third.tenant("cli_test", ""))
	require.NoError(t, err)
	random := strings.Split(marker, ".")[1]
	require.GreaterOrEqual(t, len(random), 26, "128 bits")
	for name, c := range map[string]struct {
		authorization string
		refused       bool
	}{
		"without the random part": {"Bearer " + strings.ReplaceAll(marker, random, "x"), false},
		"cut short":               {"Bearer " + marker[:strings.LastIndex(marker, ".")], true},
		"with another end":        {"Bearer " + marker + ".x", true},
		"with another kind":       {"Bearer " + strings.ReplaceAll(marker, ".tenant.", ".user."), true},
		"with another scheme":     {"Token " + marker, true},
		"garbled":                 {"Bearer " + marker[:strings.LastIndex(marker, ".")] + ".!", true},
	} {
		w.sent = nil
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+host+"/open-apis/tenant", nil)
		require.NoError(t, err)
		req.Header.Set("Authorization", c.authorization)
		resp, err := client.Do(req)
		if c.refused {
			require.ErrorIs(t, err, larksdk.ErrForeignApp, name)
			assert.Empty(t, w.requests())
			continue
		}
		require.NoError(t, err, name)
		resp.Body.Close()
		assert.Equal(t, []string{host + " /open-apis/tenant " + c.authorization}, w.requests(), "as it is")
	}
}

// The SDK's own request for a token says what is missing; other requests to these paths do not.
func TestTokenRequests(t *testing.T) {
	const (
		self   = "https://" + host + "/open-apis/auth/v3/tenant_access_token/internal"
		oauth  = "https://accounts.feishu.cn/oauth/v3/token"
		grants = `"grant_type":"urn:ietf:params:oauth:grant-type:jwt-bearer"`
	)
	for edge, c := range map[string]struct {
		url, body string
		refused   bool
	}{
		"tenant token":         {self, `{"app_id":"cli_test","app_secret":"hush"}`, true},
		"app token":            {"https://" + host + "/gw/open-apis/auth/v3/app_access_token/internal", `{"app_id":"cli_test"}`, true},
		"store app":            {"https://" + host + "/open-apis/auth/v3/app_access_token", `{"app_id":"cli_test","app_ticket":"hush"}`, true},
		"keyless":              {oauth, `{"client_id":"cli_test",` + grants + `}`, true},
		"keyless, as a form":   {oauth, `client_id=cli_test&grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer`, true},
		"a user's":             {oauth, `{"client_id":"cli_test","grant_type":"authorization_code"}`, false},
		"a user's, once more":  {oauth, `client_id=cli_test&grant_type=refresh_token`, false},
		"client credentials":   {oauth, `{"client_id":"cli_test","grant_type":"client_credentials"}`, true},
		"a device's":           {oauth, `client_id=cli_test&grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code`, false},
		"no grant":             {oauth, `{"client_id":"cli_test"}`, false},
		"another app's":        {self, `{"app_id":"cli_foreign"}`, false},
		"the app ticket again": {"https://" + host + "/open-apis/auth/v3/app_ticket/resend", `{"app_id":"cli_test"}`, false},
		"no JSON":              {self, `<app_id>cli_test</app_id>%`, false},
		"empty":                {self, ``, false},
	} {
		t.Run(edge, func(t *testing.T) {
			w := newWorld(feishutest.New(feishutest.Config{}))
			_, client := w.adapter(t, tokencachetest.New(t))
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.url, strings.NewReader(c.body))
			require.NoError(t, err)
			resp, err := client.Do(req)
			if !c.refused {
				require.NoError(t, err)
				resp.Body.Close()
				assert.Len(t, w.requests(), 1)
				return
			}
			require.ErrorIs(t, err, larksdk.ErrTokenRequest)
			assert.ErrorContains(t, err, "cli_test")
			assert.ErrorContains(t, err, "lark.WithTokenCache")
			assert.NotContains(t, err.Error(), "hush")
			assert.Empty(t, w.requests())
		})
	}
}

// With its cache not set the SDK says so at the first call.
func TestCacheIsNotSet(t *testing.T) {
	w := newWorld(feishutest.New(feishutest.Config{}))
	sdk := w.sdk(t)
	sdk.pkg.cache = stored{}
	_, err := sdk.call(t.Context(), tenantCall)
	assert.ErrorIs(t, err, larksdk.ErrTokenRequest)
}

// A body that passes through is sent again in full, or the error says why not.
func TestStreams(t *testing.T) {
	for edge, c := range map[string]struct {
		keep int64
		err  error
	}{
		"kept": {0, nil}, "more than is kept": {10, bearer.ErrBodySpent}, "nothing is kept": {-1, bearer.ErrBodySpent},
	} {
		t.Run(edge, func(t *testing.T) {
			issuer := feishutest.New(feishutest.Config{})
			w := newWorld(issuer)
			var got []string
			w.replies = func(req *http.Request) *http.Response {
				body, err := io.ReadAll(req.Body)
				require.NoError(t, err)
				got = append(got, string(body))
				if !accepts(issuer, req) {
					return nil
				}
				return reply(200, `{"code":0,"msg":""}`)
			}
			sdk := w.sdk(t, func(c2 *larksdk.Config) { c2.KeepBody = c.keep })
			marker, err := sdk.pkg.tokens().Get(t.Context(), third.tenant("cli_test", ""))
			require.NoError(t, err)
			send := func() error {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+host+"/open-apis/x", io.MultiReader(strings.NewReader("a long stream")))
				require.NoError(t, err)
				req.Header.Set("Authorization", "Bearer "+marker)
				resp, err := sdk.http.Do(req)
				if err == nil {
					resp.Body.Close()
				}
				return err
			}
			require.NoError(t, send())
			require.True(t, issuer.Revoke(issuer.Pairs()[0].Tenant))
			if c.err == nil {
				require.NoError(t, send())
				assert.Equal(t, []string{"a long stream", "a long stream", "a long stream"}, got)
				return
			}
			require.ErrorIs(t, send(), c.err)
			assert.Len(t, got, 2)
			require.NoError(t, send(), "made anew")
		})
	}
}

// Timeout bounds a call whose ctx does not end, whatever it waits for.
func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(feishutest.New(feishutest.Config{}))
		tokenCache, client := w.adapter(t, tokencachetest.On(t, newFar(t).replica("far")), func(c *larksdk.Config) {
			c.Timeout = time.Second
			c.Apps[0].Source = silent{}
		})
		sdk := new(sdkPackage).newClient(sdkClient{app: "cli_test", base: "https://" + host, http: client, form: third}, tokenCache)
		began := time.Now()
		_, err := sdk.call(t.Context(), tenantCall)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, time.Second, time.Since(began))
	})
}

func TestCloseIdleConnections(t *testing.T) {
	_, client, err := larksdk.New(larksdk.Config{Apps: []larksdk.App{{ID: "cli_test", Source: gives("x"), Hosts: []string{host}}}, Base: idler{}})
	require.NoError(t, err)
	assert.PanicsWithValue(t, "reached", client.CloseIdleConnections)
	outer := &http.Client{Transport: client}
	assert.PanicsWithValue(t, "reached", outer.CloseIdleConnections)
}

type idler struct{ http.RoundTripper }

func (idler) CloseIdleConnections() { panic("reached") }

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// silent is a Source whose token never comes.
type silent struct{}

func (silent) Get(ctx context.Context) (tokencache.Token, error) {
	<-ctx.Done()
	return tokencache.Token{}, ctx.Err()
}

func (silent) Invalidate(context.Context, tokencache.Token) error { return nil }

// stored is a cache without anything in it.
type stored struct{}

func (stored) Set(context.Context, string, string, time.Duration) error { return nil }
func (stored) Get(context.Context, string) (string, error)              { return "", nil }
