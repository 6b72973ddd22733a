package tokencache

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/onetoken-go/onetoken/internal/wire"
)

// Credential is whose token a [Fetcher] gets: an app at an issuer. It has no secret, but
// what is derived from one: an id, under which the token is in Redis, and the key with which
// it is sealed there. Whoever has the secret has the same Credential; a rotated secret has a
// record of its own, and a wrong one never reads a right one's token.
//
// It is a small immutable handle: cheap to copy, safe for concurrent use, and printed as its
// ID. Compare with Equal, not with ==. The zero Credential names nothing; a Source of it says so.
type Credential struct{ data *credentialData }

type credentialData struct {
	issuer, app     string
	id              string
	url             string
	seal            wire.Sealer
	window, maxLife time.Duration
}

// CredentialConfig is what a [Credential] is made of. Issuer, App and Secret or SealSecret have to
// be set; the zero value of every other field is good.
type CredentialConfig struct {
	// Issuer is the kind of issuer, such as "feishu". This and App have 1 to 128 bytes.
	Issuer string
	// App is the id of the app or client that the token belongs to.
	App string
	// Public is what else makes two credentials of one app differ, and anybody may know: base
	// or token URL, and where they exist sorted scopes, audience, resource, tenant key. The
	// order counts. Up to 32 parts and 64 KiB in all, as Secret.
	Public []string
	// Secret is what only those know who may have the token: the app's secret, mostly one part,
	// made by [NewSecret].
	Secret []Secret
	// SealSecret stands for Secret where the credential has none, such as one that a platform
	// vouches for: at least 32 random bytes, the same in the whole fleet and kept like a
	// password. With a Secret it is not needed, and one more part of it.
	SealSecret Secret
	// Window is how long before a token's end the issuer begins to answer with
	// a new one; before that it returns the same token again. Feishu: 30 min.
	// 0 for an issuer that mints at every call; else 1 ms to 3,650 days.
	Window time.Duration
	// MaxLife is the longest life to believe. An answer beyond it is an issuer
	// error. 1 s to 3,650 days; 0 means 24 h; Feishu: 2 h 1 min.
	MaxLife time.Duration
}

// NewCredential makes a Credential, without any I/O. The error names everything that is wrong
// with the config at once, and no value of it. It costs some 10 µs.
//
// Credentials with equal Issuer, App, Public and secrets have one ID and share one record in
// Redis; if Window and MaxLife are equal, too, they have one Source within a Cache.
func NewCredential(c CredentialConfig) (Credential, error) {
	if err := c.validate(); err != nil {
		return Credential{}, fmt.Errorf("tokencache: %w", err)
	}
	secret := revealed(c.Secret)
	if !c.SealSecret.IsZero() {
		secret = append(secret, c.SealSecret.Reveal())
	}
	digest, seal := wire.Derive(append([]string{c.Issuer, c.App}, c.Public...), secret)
	if seal.IsZero() {
		return Credential{}, errors.New("tokencache: no key can be derived from the secret: in FIPS 140 mode it needs at least 14 bytes")
	}
	return Credential{&credentialData{
		issuer: c.Issuer, app: c.App, id: wire.ID(c.Issuer, c.App, digest), seal: seal, url: urlIn(c.Public),
		window: c.Window, maxLife: cmp.Or(c.MaxLife, defaultMaxLife),
	}}, nil
}

func revealed(secrets []Secret) []string {
	all := make([]string, len(secrets))
	for i, secret := range secrets {
		all[i] = secret.Reveal()
	}
	return all
}

// Minimum and default of the lives an issuer may state. The longest is wire.LongestLife, beyond
// which nobody believes a record.
const (
	minLife        = time.Second
	defaultMaxLife = 24 * time.Hour
	minWindow      = time.Millisecond // a record has whole ones
)

// Bounds of what a Credential is derived from.
const (
	mostParts      = 32
	longestParts   = 64 << 10
	shortestSecret = 32 // of a SealSecret
)

func (c CredentialConfig) validate() error {
	var errs []error
	complain := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Issuer == "" {
		complain("CredentialConfig.Issuer is empty: name the kind of issuer")
	}
	if c.App == "" {
		complain("CredentialConfig.App is empty: set the app id")
	}
	for _, part := range []struct{ field, value string }{{"Issuer", c.Issuer}, {"App", c.App}} {
		if len(part.value) > longestWord {
			complain("a CredentialConfig.%s of more than %d bytes", part.field, longestWord)
		}
	}
	for _, parts := range []struct {
		field string
		value []string
	}{{"Public", c.Public}, {"Secret", revealed(c.Secret)}} {
		if len(parts.value) > mostParts || len(strings.Join(parts.value, "")) > longestParts {
			complain("a CredentialConfig.%s of more than %d parts or %d bytes", parts.field, mostParts, longestParts)
		}
	}
	switch size := len(c.SealSecret.Reveal()); {
	case size == 0 && strings.Join(revealed(c.Secret), "") == "":
		complain("CredentialConfig.Secret is empty: set what only the app knows, or, if there is nothing, SealSecret, %d random bytes that the whole fleet shares", shortestSecret)
	case size > 0 && (size < shortestSecret || size > longestParts):
		complain("CredentialConfig.SealSecret of %d bytes: %d random ones at least, %d at most", size, shortestSecret, longestParts)
	}
	if c.Window != 0 && (c.Window < minWindow || c.Window > wire.LongestLife) {
		complain("CredentialConfig.Window %v: 0, or %v to %v", c.Window, minWindow, wire.LongestLife)
	}
	if c.MaxLife != 0 && (c.MaxLife < minLife || c.MaxLife > wire.LongestLife) {
		complain("CredentialConfig.MaxLife %v: 0, or %v to %v", c.MaxLife, minLife, wire.LongestLife)
	}
	return errors.Join(errs...)
}

// ID names the credential in Redis: <issuer>:<app>:<digest>, with anything unusual
// percent-encoded. It holds no secret, but whoever can guess one can check it against the
// digest. Empty for the zero Credential.
func (c Credential) ID() string { return c.get().id }

// Issuer returns the kind of issuer, such as "feishu"; empty for the zero Credential.
func (c Credential) Issuer() string { return c.get().issuer }

// IssuerURL returns where the issuer is, for people: scheme, host and path of the first of the
// public parts that is an http or https URL, cut to 128 bytes; "" if none is. It stands in Redis
// in the clear.
func (c Credential) IssuerURL() string { return c.get().url }

// App returns the id of the app; empty for the zero Credential.
func (c Credential) App() string { return c.get().app }

// Window returns how long before a token's end the issuer begins to answer with a new one: 0
// if it mints at every call, and of the zero Credential.
func (c Credential) Window() time.Duration { return c.get().window }

// MaxLife returns the longest life to believe: 24 h unless the config says otherwise; 0 of the zero
// Credential.
func (c Credential) MaxLife() time.Duration { return c.get().maxLife }

// IsZero reports whether c names nothing.
func (c Credential) IsZero() bool { return c.data == nil }

// Equal reports whether both have the same ID, Window and MaxLife, as those have that were made
// of one configuration: a Cache then has one Source for both. To ask whether they share a record
// in Redis, compare the IDs.
func (c Credential) Equal(other Credential) bool { return c.identity() == other.identity() }

// String returns the ID.
func (c Credential) String() string { return c.ID() }

// Format prints the ID for every verb.
func (c Credential) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.ID()) }

// LogValue is the ID.
func (c Credential) LogValue() slog.Value { return slog.StringValue(c.ID()) }

// MarshalText is the ID.
func (c Credential) MarshalText() ([]byte, error) { return []byte(c.ID()), nil }

func (c Credential) get() *credentialData {
	if c.data == nil {
		return &credentialData{}
	}
	return c.data
}

// identity tells the Sources of a Cache apart.
type identity struct {
	id              string
	window, maxLife time.Duration
}

func (c Credential) identity() identity {
	d := c.get()
	return identity{d.id, d.window, d.maxLife}
}

// checkLife says whether a stated life can be believed.
func (c Credential) checkLife(life time.Duration) error {
	if longest := c.MaxLife(); life < minLife || life > longest {
		return c.transient(fmt.Sprintf("answered with a life of %v, outside of %v to %v", life, minLife, longest), nil)
	}
	return nil
}

// urlIn leaves out what may be a secret in spite of what is asked for: user and query.
func urlIn(public []string) string {
	for _, part := range public {
		u, err := url.Parse(part)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
			continue
		}
		return word((&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String())
	}
	return ""
}
