// Package lark is a double of the official SDK, github.com/larksuite/oapi-sdk-go/v3, with as much of it as an
// example calls, by the same names: a client that asks its token cache for the tenant's token, and sends a
// query by its HTTP client. With it examples/larksdk needs no module but ours. internal/acceptance builds and
// runs the same main.go with the SDK itself in its place.
package lark

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Cache is the SDK's larkcore.Cache.
type Cache interface {
	Set(ctx context.Context, key string, value string, expireTime time.Duration) error
	Get(ctx context.Context, key string) (string, error)
}

// HTTPClient is the SDK's larkcore.HttpClient.
type HTTPClient interface {
	Do(*http.Request) (*http.Response, error)
}

// Client of one app.
type Client struct {
	Tenant *TenantService

	id, secret, baseURL string
	tokens              Cache
	http                HTTPClient
}

// TenantService is a step on the way to an API, as in the SDK.
type TenantService struct{ V2 *TenantV2 }

// TenantV2 is the next one.
type TenantV2 struct{ Tenant *TenantAPI }

// TenantAPI is the one API of the double.
type TenantAPI struct{ client *Client }

// Option of a Client.
type Option func(*Client)

// WithOpenBaseUrl is where the APIs are.
func WithOpenBaseUrl(url string) Option { return func(c *Client) { c.baseURL = url } }

// WithTokenCache is where tokens are looked up.
func WithTokenCache(cache Cache) Option { return func(c *Client) { c.tokens = cache } }

// WithHttpClient sends the requests.
func WithHttpClient(client HTTPClient) Option { return func(c *Client) { c.http = client } }

// NewClient makes a client. The double wants all three options; the SDK has defaults for them.
func NewClient(appID, appSecret string, options ...Option) *Client {
	c := &Client{id: appID, secret: appSecret}
	for _, option := range options {
		option(c)
	}
	c.Tenant = &TenantService{&TenantV2{&TenantAPI{c}}}
	return c
}

// QueryTenantResp is the answer of Query.
type QueryTenantResp struct {
	Code int    `json:"code"`
	Msg  string `json:"msg"`
	Data *struct {
		Tenant *struct {
			Name *string `json:"name"`
		} `json:"tenant"`
	} `json:"data"`
}

// Success reports whether there is Data.
func (r *QueryTenantResp) Success() bool { return r.Code == 0 }

const maxAnswer = 1 << 20

// Query asks for the tenant that the app is installed in.
func (t *TenantAPI) Query(ctx context.Context) (*QueryTenantResp, error) {
	c := t.client
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.baseURL+"/open-apis/tenant/v2/tenant/query", nil)
	if err != nil {
		return nil, err
	}
	token, err := c.tokens.Get(ctx, c.tenantKey())
	if err != nil {
		return nil, err
	}
	if token == "" {
		return nil, errors.New("lark: the double has no token but those of its cache")
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close() //nolint:errcheck // only read
	answer := new(QueryTenantResp)
	if err := json.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(answer); err != nil {
		return nil, fmt.Errorf("lark: HTTP %d: no answer of an API: %w", res.StatusCode, err)
	}
	return answer, nil
}

// tenantKey is that of v3.12.0.
func (c *Client) tenantKey() string {
	return fmt.Sprintf("tenant_access_token:app_secret:%s:%x:", c.id, sha256.Sum256([]byte(c.secret)))
}
