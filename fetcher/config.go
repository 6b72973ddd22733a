package fetcher

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/onetoken-go/onetoken/fetcher/internal/call"
	"github.com/onetoken-go/onetoken/internal/plain"
	"github.com/onetoken-go/onetoken/tokencache"
)

// FeishuConfig of a [Feishu]. AppID and AppSecret have to be set; the zero
// value of every other field is good.
type FeishuConfig struct {
	// AppID of the self-built app, as in its developer console: cli_ and 16
	// characters. Printable ASCII without spaces, up to 128.
	AppID string

	// AppSecret that belongs to it, made by [tokencache.NewSecret]. Printable ASCII
	// without spaces, 4 to 1,024: a newline at its end is an error, not cut off.
	AppSecret tokencache.Secret

	// BaseURL is scheme, host and perhaps a path, to which the path of the
	// endpoint is added. Without user name, query and fragment. "" means
	// [FeishuURL]; see also [LarkURL]. It is part of what the credential's ID is derived from, in
	// one spelling: capitals in scheme and host, the scheme's own port, zeros before a port, a
	// dot after the host and slashes at the end make no difference.
	BaseURL string

	// Transport sends the request. It must not follow redirects. nil means a
	// private clone of http.DefaultTransport: with the proxy of the
	// environment, 5 s to connect, 5 s for TLS, 20 s until the answer begins,
	// and no connection kept open between calls.
	Transport http.RoundTripper

	// Window is how long before a token's end the issuer begins to mint a new
	// one. 0 means the 30 min of the real one; others are for tests: 1 ms to 2 h.
	Window time.Duration

	// MaxLife is the longest life to believe. An answer beyond it is an error, and transient: a slip
	// of the issuer's. 0 means 2 h 1 min: the documented 2 h, and a minute for an issuer that
	// rounds up. Else 1 s to 24 h; with less than 2 h the real one's answers may be refused.
	MaxLife time.Duration

	// Logger is told of an http:// address that is not this host's own, and of
	// nothing else. nil means slog.Default().
	Logger *slog.Logger
}

// What the issuer documents:
// https://open.feishu.cn/document/ukTMukTMukTM/ukDNz4SO0MjL5QzM/auth-v3/auth/app_access_token_internal
const (
	feishuWindow = 30 * time.Minute
	// feishuMaxLife is the documented 2 h, and a minute for an issuer that
	// rounds up.
	feishuMaxLife = 2*time.Hour + time.Minute
)

// Bounds of FeishuConfig.
const (
	maxAppID     = 128
	minAppSecret = 4
	maxAppSecret = 1024
	minWindow    = time.Millisecond // of a tokencache.Credential
	maxWindow    = 2 * time.Hour
	minMaxLife   = time.Second
	maxMaxLife   = 24 * time.Hour
)

func (c FeishuConfig) withDefaults() FeishuConfig {
	c.BaseURL = cmp.Or(c.BaseURL, FeishuURL)
	c.Window = cmp.Or(c.Window, feishuWindow)
	c.MaxLife = cmp.Or(c.MaxLife, feishuMaxLife)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

// Validate returns what NewFeishu would complain about: everything at once, each
// with the name of its field, and never a value. nil if there is nothing.
func (c FeishuConfig) Validate() error {
	_, err := c.withDefaults().validate()
	return err
}

// validate expects defaults to be filled in. It returns the BaseURL in its one
// spelling, or every complaint. None quotes AppID: it would show the secret of
// someone who swapped the two.
func (c FeishuConfig) validate() (*url.URL, error) {
	base, err := baseURLRules.Canonical(c.BaseURL)
	errs := []error{
		checkWord("AppID", c.AppID, maxAppID),
		checkSecret(c.AppSecret.Reveal()),
		err,
		call.CheckTransport(c.Transport),
	}
	if c.Window < minWindow || c.Window > maxWindow {
		errs = append(errs, fmt.Errorf("a Window of %v: 0, or %v to %v", c.Window, minWindow, maxWindow))
	}
	if c.MaxLife < minMaxLife || c.MaxLife > maxMaxLife {
		errs = append(errs, fmt.Errorf("a MaxLife of %v: 0, or %v to %v", c.MaxLife, minMaxLife, maxMaxLife))
	}
	return base, errors.Join(errs...)
}

// checkSecret refuses a text that is too short for a secret: a slip of the finger, or a
// placeholder. The scrubbing of messages, too, would find such a text in every third word.
func checkSecret(secret string) error {
	if err := checkWord("AppSecret", secret, maxAppSecret); err != nil {
		return err
	}
	if len(secret) < minAppSecret {
		return fmt.Errorf("AppSecret is shorter than %d characters, which no app's is: copy all of it from the developer console", minAppSecret)
	}
	return nil
}

func checkWord(field, value string, longest int) error {
	switch {
	case value == "":
		return fmt.Errorf("%s is empty", field)
	case len(value) > longest:
		return fmt.Errorf("%s is longer than %d bytes", field, longest)
	case !call.IsWord(value):
		return fmt.Errorf("%s: %s", field, plain.Fault(value))
	}
	return nil
}

// credential of an app at a base URL. Its public parts stand in docs/interop.md.
func (c FeishuConfig) credential(base *url.URL) (tokencache.Credential, error) {
	return tokencache.NewCredential(tokencache.CredentialConfig{
		Issuer: issuerName, App: c.AppID, Public: []string{base.String()}, Secret: []tokencache.Secret{c.AppSecret},
		Window: c.Window, MaxLife: c.MaxLife,
	})
}
