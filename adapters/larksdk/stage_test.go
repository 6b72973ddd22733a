package larksdk_test

import (
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/adapters/larksdk"
	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
	"github.com/onetoken-go/onetoken/tokencache/tokencachetest"
)

const host = "open.feishu.cn"

var (
	tenantCall = sdkCall{method: http.MethodGet, path: "/open-apis/tenant", takes: []string{"user", "tenant"}}
	appCall    = sdkCall{method: http.MethodGet, path: "/open-apis/app", takes: []string{"app"}}
	userCall   = sdkCall{method: http.MethodGet, path: "/open-apis/user", takes: []string{"user"}}
)

func upload(file io.Reader) sdkCall {
	return sdkCall{method: http.MethodPost, path: "/open-apis/upload", takes: []string{"tenant"}, file: file}
}

// world is the network: issuers by host, with the business APIs of each. It looks at the token before
// it reads a body, and takes some time.
type world struct {
	latency time.Duration
	issuers map[string]*feishutest.Issuer
	replies func(*http.Request) *http.Response // of a test's own; nil from it, or in it: what follows

	mu   sync.Mutex // guards sent
	sent []string   // "host path authorization"
}

func (w *world) RoundTrip(req *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.sent = append(w.sent, fmt.Sprintf("%s %s %s", req.URL.Host, req.URL.Path, req.Header.Get("Authorization")))
	w.mu.Unlock()
	issuer := w.issuers[req.URL.Host]
	if issuer != nil && strings.Contains(req.URL.Path, "/auth/v3/") {
		both := req.Clone(req.Context()) // both tokens come from this one
		both.URL.Path = strings.ReplaceAll(req.URL.Path, "tenant_access_token", "app_access_token")
		return issuer.RoundTripper().RoundTrip(both)
	}
	time.Sleep(w.latency)
	if req.Body != nil {
		defer req.Body.Close()
	}
	if w.replies != nil {
		if resp := w.replies(req); resp != nil {
			return resp, nil
		}
	}
	if issuer == nil || !accepts(issuer, req) {
		return reply(http.StatusBadRequest, `{"code":99991663,"msg":"Invalid access token for authorization"}`), nil
	}
	if req.URL.Path != "/open-apis/upload" {
		return reply(http.StatusOK, `{"code":0,"msg":"of `+issuer.AppID()+`"}`), nil
	}
	_, params, err := mime.ParseMediaType(req.Header.Get("Content-Type"))
	if err != nil {
		return nil, err
	}
	part, err := multipart.NewReader(req.Body, params["boundary"]).NextPart()
	if err != nil {
		return nil, err
	}
	file, err := io.ReadAll(part)
	if err != nil {
		return nil, err
	}
	return reply(http.StatusOK, fmt.Sprintf(`{"code":0,"msg":"%s"}`, sum(file))), nil
}

// accepts reports whether a request has a valid token of the kind that its path wants.
func accepts(issuer *feishutest.Issuer, req *http.Request) bool {
	token := strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ")
	if req.URL.Path == userCall.path {
		return token == "u-1"
	}
	for _, pair := range issuer.Pairs() {
		want := pair.Tenant
		if req.URL.Path == appCall.path {
			want = pair.App
		}
		if token == want {
			return issuer.Valid(token)
		}
	}
	return false
}

func (w *world) requests() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sent
}

func reply(status int, body string) *http.Response {
	return &http.Response{
		StatusCode:    status,
		Header:        http.Header{"Content-Type": {"application/json; charset=utf-8"}},
		Body:          io.NopCloser(strings.NewReader(body)),
		ContentLength: int64(len(body)),
	}
}

// newWorld has one issuer for each app, at a host of its own; the first at open.feishu.cn.
func newWorld(issuers ...*feishutest.Issuer) *world {
	w := &world{issuers: map[string]*feishutest.Issuer{}}
	for i, issuer := range issuers {
		w.issuers[hostOf(i)] = issuer
	}
	return w
}

func hostOf(i int) string {
	if i == 0 {
		return host
	}
	return fmt.Sprintf("open%d.feishu.cn", i)
}

// apps are those of the world's issuers, with a Source each.
func (w *world) apps(t *testing.T, cache *tokencache.Cache) (apps []larksdk.App) {
	t.Helper()
	for i := range len(w.issuers) {
		issuer := w.issuers[hostOf(i)]
		feishu, err := fetcher.NewFeishu(fetcher.FeishuConfig{
			AppID: issuer.AppID(), AppSecret: tokencache.NewSecret(issuer.AppSecret()), Transport: issuer.RoundTripper(),
		})
		require.NoError(t, err)
		apps = append(apps, larksdk.App{ID: issuer.AppID(), Source: cache.Source(feishu), Hosts: []string{hostOf(i)}})
	}
	return apps
}

// adapter makes the pair on a cache.
func (w *world) adapter(t *testing.T, cache *tokencache.Cache, mods ...func(*larksdk.Config)) (*larksdk.Cache, *larksdk.Client) {
	t.Helper()
	c := larksdk.Config{Apps: w.apps(t, cache), Base: w}
	for _, mod := range mods {
		mod(&c)
	}
	tokenCache, client, err := larksdk.New(c)
	require.NoError(t, err)
	return tokenCache, client
}

// sdk makes a client of the first app, in a process of its own.
func (w *world) sdk(t *testing.T, mods ...func(*larksdk.Config)) *sdkClient {
	t.Helper()
	tokenCache, client := w.adapter(t, tokencachetest.New(t), mods...)
	return new(sdkPackage).newClient(sdkClient{app: w.issuers[host].AppID(), base: "https://" + host, http: client, form: third}, tokenCache)
}

// far is a Redis in a bubble, 1 ms away: one that takes no time cannot tell whether a token was asked
// for before it was rejected or after.
type far struct{ *redistest.Bubble }

func newFar(t *testing.T) far { return far{redistest.NewBubble(t)} }

func (f far) replica(name string) *redis.Client {
	f.Link(name).Delay(time.Millisecond)
	return f.Client(name)
}
