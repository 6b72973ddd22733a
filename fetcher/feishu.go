package fetcher

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"

	"github.com/onetoken-go/onetoken/fetcher/internal/address"
	"github.com/onetoken-go/onetoken/fetcher/internal/call"
	"github.com/onetoken-go/onetoken/internal/transport"
	"github.com/onetoken-go/onetoken/tokencache"
)

// issuerName stands in keys in Redis: it cannot change.
const issuerName = "feishu"

const tokenPath = "/open-apis/auth/v3/app_access_token/internal"

// Feishu fetches the app access token of a self-built app, and the tenant
// access token that comes with it. It implements tokencache.Fetcher, is safe
// for concurrent use, holds no connection and needs no Close. It prints and
// logs without the secret.
type Feishu struct {
	credential tokencache.Credential
	url        string
	secret     tokencache.Secret
	caller     call.Caller

	unencrypted bool
	below       bool // the base URL has a path
}

var _ tokencache.Fetcher = (*Feishu)(nil)

// NewFeishu makes a Feishu, without any I/O. The error names everything that is
// wrong with the config, at once, and never a secret.
func NewFeishu(c FeishuConfig) (*Feishu, error) {
	c = c.withDefaults()
	base, err := c.validate()
	if err != nil {
		return nil, fmt.Errorf("fetcher: %w", err)
	}
	unencrypted := address.InTheClear(base)
	if unencrypted {
		c.Logger.Warn("the app secret and tokens travel unencrypted: use https", "app", c.AppID, "base_url", base.String())
	}
	if c.Transport == nil {
		c.Transport = transport.New(transport.Config{})
	}
	credential, err := c.credential(base)
	if err != nil {
		return nil, fmt.Errorf("fetcher: %w", err)
	}
	return &Feishu{
		credential: credential,
		url:        base.String() + tokenPath,
		secret:     c.AppSecret,
		caller: call.Caller{
			Issuer: issuerName, Setting: "base URL", Added: tokenPath,
			Hosts:    " (Feishu: open.feishu.cn, Lark: open.larksuite.com)",
			OverHTTP: base.Scheme == "http", Transport: c.Transport, Clean: call.NewCleaner(c.AppSecret),
			// https://open.feishu.cn/document/server-docs/api-call-guide/frequency-control
			LogIDs: []string{"X-Tt-Logid", "X-Request-Id"}, Waits: []string{"X-Ogw-Ratelimit-Reset", "Retry-After"},
		},

		unencrypted: unencrypted,
		below:       base.Path != "",
	}, nil
}

// BaseURL returns that of the config in its one spelling, without a slash at its end; FeishuURL if
// the config has none. Add the path of an API to it.
func (f *Feishu) BaseURL() string { return strings.TrimSuffix(f.url, tokenPath) }

// Origin returns scheme and host of BaseURL, for the Hosts of a bearer.Config.
func (f *Feishu) Origin() string {
	scheme, rest, _ := strings.Cut(f.url, "://")
	host, _, _ := strings.Cut(rest, "/")
	return scheme + "://" + host
}

// Unencrypted reports whether others can read the app secret and the tokens on
// their way: an http:// address beyond this host. FeishuConfig.Logger was told.
func (f *Feishu) Unencrypted() bool { return f.unencrypted }

// Credential returns that of the app: its Issuer is "feishu".
func (f *Feishu) Credential() tokencache.Credential { return f.credential }

// Fetch makes one call. Every error is a *tokencache.IssuerError; once ctx has ended it also is
// ctx.Err(), by errors.Is. A call takes 30 s at most: Fetch leaves behind a Transport or a body
// that does not end in time.
//
// The issuer answers with the token it has handed out before, and what is left of its life, until
// that is less than 30 min.
func (f *Feishu) Fetch(ctx context.Context) (tokencache.Token, error) {
	a, err := f.caller.Do(ctx, f.request)
	if err != nil {
		return tokencache.Token{}, err
	}
	return f.judge(a)
}

func (f *Feishu) request(ctx context.Context) (*http.Request, error) {
	body, err := json.Marshal(map[string]string{"app_id": f.credential.App(), "app_secret": f.secret.Reveal()})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, f.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	return req, nil
}

// String names the app, without the secret.
func (f *Feishu) String() string { return "feishu app " + f.credential.App() }

// Format prints the redacted form for every verb, %#v and %x too.
func (f *Feishu) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, f.String()) }

// LogValue is the redacted form.
func (f *Feishu) LogValue() slog.Value { return slog.StringValue(f.String()) }
