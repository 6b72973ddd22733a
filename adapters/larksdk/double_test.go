package larksdk_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// sdkPackage is the official SDK, as far as tokens go, by what v3.2.2, v3.4.0 and v3.12.0 were seen
// to do: one for each process, with the cache that the last client has set.
type sdkPackage struct {
	mu    sync.Mutex // guards cache
	cache sdkCache
}

type sdkCache interface {
	Set(ctx context.Context, key string, value string, expireTime time.Duration) error
	Get(ctx context.Context, key string) (string, error)
}

type sdkHTTPClient interface {
	Do(*http.Request) (*http.Response, error)
}

// sdkClient is a lark.Client. Its secret is whatever the SDK wants to be there.
type sdkClient struct {
	pkg  *sdkPackage
	app  string
	base string
	http sdkHTTPClient
	form keyForm
	log  func(string) // of what LogReqAtDebug prints; or nil

	noCache  bool // lark.WithEnableTokenCache(false)
	takesOwn bool // a tenant's token that a call is given goes before the cache's: since after v3.4.0
}

// keyForm is one of the three generations of keys, or the keyless mode's.
type keyForm struct {
	app, tenant func(app, tenant string) string
}

var (
	digest = fmt.Sprintf("%x", sha256.Sum256([]byte("unused")))

	first = keyForm{
		func(app, _ string) string { return "app_access_token-" + app },
		func(app, tenant string) string { return "tenant_access_token-" + app + "-" + tenant },
	}
	second = keyForm{
		func(app, _ string) string { return "app_access_token-" + app },
		func(app, tenant string) string { return "tenant_access_token:app_secret:" + app + ":" + tenant },
	}
	third = keyForm{
		func(app, _ string) string { return "app_access_token:app_secret:" + app + ":" + digest },
		func(app, tenant string) string {
			return "tenant_access_token:app_secret:" + app + ":" + digest + ":" + tenant
		},
	}
	keyless = keyForm{
		third.app,
		func(app, tenant string) string {
			return "tenant_access_token:client_assertion:" + app + ":" + tenant + ":accounts.feishu.cn"
		},
	}
	forms = map[string]keyForm{"first": first, "second": second, "third": third, "keyless": keyless}
)

func (p *sdkPackage) newClient(c sdkClient, cache sdkCache) *sdkClient {
	p.mu.Lock()
	defer p.mu.Unlock()
	if cache != nil {
		p.cache = cache
	}
	c.pkg = p
	return &c
}

func (p *sdkPackage) tokens() sdkCache {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cache
}

// sdkCall is a call of an API: what the SDK knows of it, and what it was given for this one.
type sdkCall struct {
	method, path string
	takes        []string  // kinds of token
	file         io.Reader // of an upload
	user, tenant string    // a user's token, and a tenant's key
	own          string    // a tenant's token: larkcore.WithTenantAccessToken
}

// sdkReply is an ApiResp.
type sdkReply struct {
	status int
	code   int
	body   string
	tries  int
}

// call chooses the kind of token, checks that there is one, and tries twice.
func (s *sdkClient) call(ctx context.Context, c sdkCall) (sdkReply, error) {
	kind := c.takes[0]
	if slices.Contains(c.takes, "tenant") {
		kind = "tenant"
	}
	if c.user != "" && slices.Contains(c.takes, "user") {
		kind = "user"
	}
	if s.noCache && c.user == "" { // then the tokens of calls decide alone
		kind = "none"
	}
	if kind == "user" && c.user == "" {
		return sdkReply{}, errors.New("user access token is empty")
	}
	var reply sdkReply
	for try := 1; try <= 2; try++ {
		req, err := s.request(ctx, c, kind)
		if err != nil {
			return sdkReply{}, err
		}
		if s.log != nil {
			s.log(fmt.Sprintf("req:%v", req))
		}
		reply, err = s.send(req)
		reply.tries = try
		if dial := new(net.OpError); errors.As(err, &dial) && isDial(err) {
			if try == 2 {
				return reply, err
			}
			continue
		}
		if err != nil {
			return reply, err
		}
		if !slices.Contains([]int{99991663, 99991664, 99991671}, reply.code) || kind == "none" {
			break
		}
	}
	return reply, nil
}

// isDial looks at the types of an error alone, as the SDK does.
func isDial(err error) bool {
	outer, ok := err.(*url.Error) //nolint:errorlint // what the SDK does
	if !ok || outer.Timeout() {
		return false
	}
	inner, ok := outer.Err.(*net.OpError) //nolint:errorlint // what the SDK does
	return ok && inner.Op == "dial"
}

// request reads a file to its end, and at the second try again.
func (s *sdkClient) request(ctx context.Context, c sdkCall, kind string) (*http.Request, error) {
	var body bytes.Buffer
	contentType := "application/json; charset=utf-8"
	if c.file != nil {
		w := multipart.NewWriter(&body)
		part, _ := w.CreateFormFile("file", "unknown-file")
		if _, err := io.Copy(part, c.file); err != nil {
			return nil, err
		}
		_ = w.Close()
		contentType = w.FormDataContentType()
	}
	req, err := http.NewRequestWithContext(ctx, c.method, s.base+c.path, &body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", contentType)
	token := c.user
	switch kind {
	case "tenant":
		if token = c.own; token != "" && s.takesOwn {
			break
		}
		token, err = s.token(ctx, s.form.tenant(s.app, c.tenant), "tenant")
	case "app":
		token, err = s.token(ctx, s.form.app(s.app, ""), "app")
	}
	if err != nil {
		return nil, err
	}
	if kind != "none" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return req, nil
}

// token asks the cache, and on a miss the issuer.
func (s *sdkClient) token(ctx context.Context, key, kind string) (string, error) {
	token, err := s.pkg.tokens().Get(ctx, key)
	if err != nil || token != "" {
		return token, err
	}
	body, _ := json.Marshal(map[string]string{"app_id": s.app, "app_secret": "test-secret"})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base+"/open-apis/auth/v3/"+kind+"_access_token/internal", bytes.NewBuffer(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	reply, err := s.send(req)
	if err != nil {
		return "", err
	}
	var answer struct {
		App    string `json:"app_access_token"`
		Tenant string `json:"tenant_access_token"`
		Expire int    `json:"expire"`
	}
	if err := json.Unmarshal([]byte(reply.body), &answer); err != nil {
		return "", err
	}
	if token = answer.Tenant; kind == "app" {
		token = answer.App
	}
	return token, s.pkg.tokens().Set(ctx, key, token, time.Duration(answer.Expire)*time.Second-3*time.Minute)
}

func (s *sdkClient) send(req *http.Request) (sdkReply, error) {
	resp, err := s.http.Do(req)
	if err != nil {
		return sdkReply{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return sdkReply{}, err
	}
	reply := sdkReply{status: resp.StatusCode, body: string(body)}
	if strings.Contains(resp.Header.Get("Content-Type"), "application/json") {
		var c struct {
			Code int `json:"code"`
		}
		if err := json.Unmarshal(body, &c); err != nil {
			return sdkReply{}, err
		}
		reply.code = c.Code
	}
	return reply, nil
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}
