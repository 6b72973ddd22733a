package oauth2cc

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/onetoken-go/onetoken/fetcher/internal/address"
	"github.com/onetoken-go/onetoken/fetcher/internal/call"
	"github.com/onetoken-go/onetoken/internal/plain"
	"github.com/onetoken-go/onetoken/tokencache"
)

// Config of a [Fetcher]. TokenURL, ClientID and ClientSecret have to be set; the zero value of every
// other field is good, but for a server that does not say how long its tokens live: it needs a Life.
type Config struct {
	// TokenURL is the server's token endpoint, in full: https, without a fragment. It is sent as it
	// is, but for the spelling of scheme, host and port, and needless percent-encoding; its query, if
	// it has one, is kept (RFC 6749, section 3.2). It has 4,096 bytes at most.
	TokenURL string

	// ClientID and ClientSecret are what the server gave to the client. The id has 1 to 128 bytes, the
	// secret 4 to 4,096, without control characters or blanks around them: a newline at the end is an
	// error, not cut off. Make the secret with [tokencache.NewSecret].
	ClientID     string
	ClientSecret tokencache.Secret

	// Auth is how both are sent. 0 means [Basic].
	Auth Auth

	// Scopes that the token is asked for, each by itself. Order and repetition make no difference.
	// None: no scope is sent, and the server decides.
	Scopes []string

	// Audience is the API that the token is for, where the server has such a parameter, as Auth0 has.
	// "" sends none.
	Audience string

	// Resources that the token is for (RFC 8707). By the standard each is an absolute URI without a
	// fragment; some servers want something else, as an application's id. Order and repetition make no
	// difference. None sends none.
	Resources []string

	// Params are further pairs to send, where the server wants some. A name that has a field here, that
	// looks like that of a secret, or with a = in it is refused: all but ClientSecret may be seen by anybody.
	// Resources and Params are 28 at most, each of 2,048 bytes; with Scopes and Audience they have 48 KiB.
	Params map[string]string

	// Life is how long a token lives where the server does not say: without expires_in in the answer, or
	// with one of 0 or less. 0: such an answer is an error, and permanent.
	// Else 1 s to MaxLife. What the server says goes first.
	Life time.Duration

	// MaxLife is the longest life to believe. An answer beyond it is an error, and permanent. 0 means
	// 30 days, Auth0's longest; else 1 s to 3,650 days.
	MaxLife time.Duration

	// Window is how long before a token's end the server begins to answer with a new one, if before
	// that it answers with the same token and what is left of its life. 0: it mints at every call, as
	// most do. Up to 3,650 days.
	Window time.Duration

	// Transport sends the request. It must not follow redirects. nil means a private clone of
	// http.DefaultTransport: with the proxy of the environment, 5 s to connect, 5 s for TLS, 20 s
	// until the answer begins, and no connection kept open between calls.
	Transport http.RoundTripper

	// Logger is told of an http:// address that is not this host's own, and of nothing else. nil means
	// slog.Default().
	Logger *slog.Logger
}

// Auth is how the client proves to be itself.
type Auth uint8

const (
	// Basic sends id and secret by HTTP Basic, each of them form-urlencoded before, as RFC 6749, section
	// 2.3.1 has it: client_secret_basic.
	Basic Auth = iota
	// Body sends them as client_id and client_secret in the body, for servers that cannot do otherwise,
	// or that do not decode what they get by Basic: client_secret_post.
	Body
)

// String returns the name that OAuth 2 has for it (RFC 7591, section 2): client_secret_basic or
// client_secret_post.
func (a Auth) String() string {
	switch a {
	case Basic:
		return "client_secret_basic"
	case Body:
		return "client_secret_post"
	}
	return fmt.Sprintf("Auth(%d)", uint8(a))
}

// defaultMaxLife is the longest that Auth0 lets one set for an API:
// https://auth0.com/docs/secure/tokens/access-tokens/update-access-token-lifetime
const defaultMaxLife = 30 * 24 * time.Hour

// Bounds of a Config. An answer, and what a Credential is made of, have bounds of their own.
const (
	maxClientID     = 128
	minClientSecret = 4
	maxClientSecret = 4096
	maxValue        = 2048 // of an audience, a resource or a further pair
	maxScopes       = 8192 // in all
	mostPairs       = 28   // of Resources and Params

	// A credential is made of 64 KiB at most, and these, with some bytes more, are what it is made of.
	maxTokenURL = 4096
	maxPairs    = 48 << 10 // names and values

	minLife     = time.Second
	longestLife = 3650 * 24 * time.Hour
)

func (c Config) withDefaults() Config {
	c.MaxLife = cmp.Or(c.MaxLife, defaultMaxLife)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

// Validate returns what New would complain about: everything at once, each with the name of its
// field, and never a value. nil if there is nothing.
func (c Config) Validate() error {
	_, err := c.withDefaults().validate()
	return err
}

var tokenURLRules = address.Rules{Field: "TokenURL", Example: "https://login.example.com/oauth2/token", Whole: true}

// validate expects defaults to be filled in. It returns the TokenURL in its one spelling, or every
// complaint. None quotes a value: that may be the secret of someone who swapped two fields.
func (c Config) validate() (*url.URL, error) {
	tokenURL, err := checkTokenURL(c.TokenURL)
	errs := []error{
		err,
		checkText("ClientID", c.ClientID, 1, maxClientID),
		checkText("ClientSecret", c.ClientSecret.Reveal(), minClientSecret, maxClientSecret),
		c.checkPairs(),
		c.checkLives(),
		call.CheckTransport(c.Transport),
	}
	if c.Auth > Body {
		errs = append(errs, fmt.Errorf("an Auth of %d: Basic or Body", c.Auth))
	}
	return tokenURL, errors.Join(errs...)
}

func checkTokenURL(raw string) (*url.URL, error) {
	if raw == "" {
		return nil, errors.New("TokenURL is empty")
	}
	u, err := tokenURLRules.Canonical(raw)
	if err == nil && len(u.String()) > maxTokenURL {
		return nil, fmt.Errorf("TokenURL is longer than %d bytes", maxTokenURL)
	}
	return u, err
}

// checkText refuses what nobody means to write in an id or a secret: control characters, and blanks
// at its ends. A secret that is too short is a slip of the finger, or a placeholder; the scrubbing of
// messages, too, would find such a text in every third word.
func checkText(field, text string, shortest, longest int) error {
	switch {
	case text == "":
		return fmt.Errorf("%s is empty", field)
	case len(text) < shortest:
		return fmt.Errorf("%s is shorter than %d bytes, which no server's is: copy all of it", field, shortest)
	case len(text) > longest:
		return fmt.Errorf("%s is longer than %d bytes", field, longest)
	case !utf8.ValidString(text):
		return fmt.Errorf("%s is not UTF-8: save the text as UTF-8, without a byte order mark", field)
	case strings.TrimSpace(text) != text:
		return fmt.Errorf("%s begins or ends with a blank or a newline: leave that out", field)
	}
	// What is left of plain.Fault once letters, signs and spaces, which may stand there, are away.
	if fault := plain.Fault(strings.Map(printable, text)); fault != "" {
		return fmt.Errorf("%s: %s", field, fault)
	}
	return nil
}

// printable stands an x in for all that prints, and for spaces between.
func printable(r rune) rune {
	if r != utf8.RuneError && unicode.IsPrint(r) {
		return 'x'
	}
	return r
}

func (c Config) checkLives() error {
	var errs []error
	if c.MaxLife < minLife || c.MaxLife > longestLife {
		errs = append(errs, fmt.Errorf("a MaxLife of %v: 0, or %v to %v", c.MaxLife, minLife, longestLife))
	}
	if c.Life != 0 && (c.Life < minLife || c.Life > c.MaxLife) {
		errs = append(errs, fmt.Errorf("a Life of %v: 0, or %v to the MaxLife of %v", c.Life, minLife, c.MaxLife))
	}
	if c.Window != 0 && (c.Window < time.Millisecond || c.Window > longestLife) {
		errs = append(errs, fmt.Errorf("a Window of %v: 0, or %v to %v", c.Window, time.Millisecond, longestLife))
	}
	return errors.Join(errs...)
}
