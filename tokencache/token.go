package tokencache

import (
	"cmp"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/onetoken-go/onetoken/internal/wire"
)

// Token is what an issuer hands out: the app access token, the tenant access
// token that comes with it, and when both end.
//
// A Token is a small immutable handle, cheap to copy and safe for concurrent
// use. It prints, logs and marshals redacted; only AccessToken,
// AppAccessToken and TenantAccessToken reveal it. Compare with Equal, not with ==. The zero Token
// holds nothing: see IsZero.
type Token struct{ data *tokenData }

// tokenData keeps the strings behind a func value because fmt, slog and the
// diffs of test libraries print unexported fields and follow pointers, but
// never look into a closure.
type tokenData struct {
	secrets     func() (app, tenant string)
	fingerprint string
	life        time.Duration
	expiry      time.Time
}

// NewToken makes the Token a [Fetcher] returns. The life is the issuer's
// `expire`, counted from the moment it answers; the Cache counts it again from
// just before the request was sent. Either of app and tenant may be empty, not both: an
// issuer with one kind of token gives it as app.
func NewToken(app, tenant string, life time.Duration) Token {
	return Token{&tokenData{
		secrets:     func() (string, string) { return app, tenant },
		fingerprint: wire.Fingerprint(app, tenant),
		life:        life,
		expiry:      time.Now().Add(life),
	}}
}

// AccessToken returns the token of an issuer that has one kind of token, and of any other
// the app access token, or the tenant access token if that is all there is: a secret.
func (t Token) AccessToken() string {
	app, tenant := t.reveal()
	return cmp.Or(app, tenant)
}

// AppAccessToken returns the app access token: a secret. Empty if the issuer gave none.
func (t Token) AppAccessToken() string {
	app, _ := t.reveal()
	return app
}

// TenantAccessToken returns the tenant access token: a secret. Empty if the
// issuer gave none.
func (t Token) TenantAccessToken() string {
	_, tenant := t.reveal()
	return tenant
}

// Expiry returns when the token ends, by this process's clock; the zero Time of the zero
// Token. It is never
// later than the issuer's own end as far as this process can know it.
func (t Token) Expiry() time.Time {
	if t.data == nil {
		return time.Time{}
	}
	return t.data.expiry
}

// Fingerprint identifies the pair of strings without revealing them: 32 hex
// digits of a SHA-256, safe to log and compare. Empty for the zero Token.
func (t Token) Fingerprint() string {
	if t.data == nil {
		return ""
	}
	return t.data.fingerprint
}

// IsZero reports whether t holds nothing.
func (t Token) IsZero() bool { return t.data == nil }

// Equal reports whether both hold the same pair of strings, whatever their
// expiry.
func (t Token) Equal(other Token) bool { return t.Fingerprint() == other.Fingerprint() }

// String returns a redacted form such as token(1f3a9c04).
func (t Token) String() string {
	if t.data == nil {
		return "token()"
	}
	return "token(" + t.data.fingerprint[:8] + ")"
}

// Format prints the redacted form for every verb, %#v and %x too.
func (t Token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, t.String()) }

// LogValue is the redacted form.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

// MarshalText is the redacted form, which also covers JSON and XML: a Token
// cannot be stored or sent by accident.
func (t Token) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

func (t Token) reveal() (app, tenant string) {
	if t.data == nil {
		return "", ""
	}
	return t.data.secrets()
}

// life is what the issuer said when it handed the token out.
func (t Token) life() time.Duration {
	if t.data == nil {
		return 0
	}
	return t.data.life
}

// endingAt is the same token with another expiry.
func (t Token) endingAt(expiry time.Time) Token {
	d := *t.data
	d.expiry = expiry
	return Token{&d}
}
