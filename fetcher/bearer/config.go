package bearer

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"

	"github.com/onetoken-go/onetoken/tokencache"
)

// Kind of access token.
type Kind uint8

const (
	// Tenant is the tenant access token, which most business APIs want.
	Tenant Kind = iota
	// App is the app access token.
	App
	// Access is the token of an issuer that has one kind, such as an OAuth 2 server; of any other
	// the app access token, or the tenant access token if that is all there is.
	Access
)

// String returns "tenant", "app" or "access".
func (k Kind) String() string {
	switch k {
	case Tenant:
		return "tenant"
	case App:
		return "app"
	case Access:
		return "access"
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// of returns the token as it is sent; empty if there is none of this kind.
func (k Kind) of(tok tokencache.Token) string {
	switch k {
	case App:
		return tok.AppAccessToken()
	case Access:
		return tok.AccessToken()
	}
	return tok.TenantAccessToken()
}

// Source gives tokens, and is told which of them the API has rejected. A [*tokencache.Source]
// is one; one of yours may stand in front of it, to count or to choose by request. Both methods
// are called by many at once, with the request's context, and should return soon after that
// ends.
type Source interface {
	// Get returns a token that has not been rejected, as far as the Source knows. Its error
	// is the request's.
	Get(ctx context.Context) (tokencache.Token, error)
	// Invalidate is told the very token that Get has returned. Without an error, or with
	// [tokencache.ErrRedis], Get is called once more; with any other the rejection is
	// returned.
	Invalidate(ctx context.Context, bad tokencache.Token) error
}

// Config of a Transport. Hosts have to be set, and Source or For; the zero value of
// every other field is good.
type Config struct {
	// Source of the token.
	Source Source

	// Hosts that get the token, and no other, not even a subdomain:
	//
	//	open.feishu.cn              by https
	//	open.feishu.cn:8443         by https, at that port
	//	http://gateway.example:8080 by http, thus for all on the way to read
	//	localhost, 127.0.0.1:9090   this host: by https or http
	//
	// Case, the scheme's own port and a dot at the end make no difference.
	// Names outside of ASCII have to be in punycode (xn--). The Host header of a
	// request, if it has one of its own, has to be among them, too.
	Hosts []string

	// Kind of token to send. 0 means Tenant, as with Feishu and Lark; other issuers want Access.
	Kind Kind

	// For chooses by request, in place of Source and Kind: which app or tenant, say, by the request's
	// context. A nil Source, or a nil pointer in it, has the request sent without a token. For is asked
	// once for each request that may have a token, by many at once, and changes nothing of the request.
	// nil means Source and Kind for all.
	For func(*http.Request) (Source, Kind)

	// Place of the token in a request. Zero means Authorization: Bearer.
	Place Place

	// Rejects tells which replies are rejections of the token. nil means FeishuRejects. For most
	// other APIs it is RFC6750Rejects.
	Rejects Rejects

	// Surface has a rejection that stays be a *RejectedError: of the second token, or of the first if
	// there was no second send. That is for callers that would take the reply as a call to try again
	// by themselves. false means that the caller gets the reply.
	Surface bool

	// KeepBody is how many bytes are kept of a body without GetBody, such as a file's, for a second
	// send; so much memory a request in flight may take until its reply is there. Beyond, the body
	// cannot be had again. 0 means none.
	KeepBody int64

	// Base sends the requests, and closes their bodies as any RoundTripper does.
	// nil means http.DefaultTransport.
	Base http.RoundTripper
}

func (c Config) withDefaults() Config {
	if c.Base == nil {
		c.Base = http.DefaultTransport
	}
	if c.Rejects == nil {
		c.Rejects = FeishuRejects
	}
	if c.For == nil {
		c.For = func(*http.Request) (Source, Kind) { return c.Source, c.Kind }
	}
	return c
}

// validate returns the origins of Hosts, or every complaint. None quotes a
// host: it may be a URL with a password.
func (c Config) validate() (origins, error) {
	var errs []error
	if c.For != nil {
		if c.Source != nil || c.Kind != 0 {
			errs = append(errs, errors.New("For is set beside Source or Kind: it chooses both"))
		}
	} else if c.Source == nil {
		errs = append(errs, errors.New("Source is nil: make one with Cache.Source"))
	} else if isNilPointer(c.Source) {
		errs = append(errs, fmt.Errorf("Source is a nil %T: make one with Cache.Source", c.Source))
	}
	if len(c.Hosts) == 0 {
		errs = append(errs, errors.New("Hosts is empty: name the API's, such as open.feishu.cn"))
	}
	if isNilPointer(c.Base) {
		errs = append(errs, fmt.Errorf("Base is a nil %T: leave it out, or make one", c.Base))
	}
	if c.Kind > Access {
		errs = append(errs, fmt.Errorf("a Kind of %d: Tenant, App or Access", c.Kind))
	}
	if err := c.Place.validate(); err != nil {
		errs = append(errs, err)
	}
	if c.KeepBody < 0 {
		errs = append(errs, fmt.Errorf("a KeepBody of %d: cannot be negative", c.KeepBody))
	}
	hosts := origins{}
	for i, host := range c.Hosts {
		if complaint := hosts.add(host); complaint != "" {
			errs = append(errs, fmt.Errorf("Hosts[%d] %s", i, complaint))
		}
	}
	return hosts, errors.Join(errs...)
}

// isNilPointer reports whether an interface holds a nil pointer, and so is not nil itself.
func isNilPointer(v any) bool {
	value := reflect.ValueOf(v)
	return value.Kind() == reflect.Pointer && value.IsNil()
}

// notAPlace are headers that net/http writes by itself, or that end at the next hop.
var notAPlace = []string{"Host", "Content-Length", "Transfer-Encoding", "Trailer", "Connection", "Te", "Upgrade"}

func (p Place) validate() error {
	switch {
	case p.query && p.name == "":
		return errors.New("Place is a query parameter without a name: InQuery(\"access_token\"), say")
	case p.query:
		return nil
	case p.name == "" && p.scheme != "":
		return errors.New("Place is a header without a name: InHeader(\"X-Access-Token\", \"\"), say")
	case !isToken(p.named().name):
		return errors.New("Place is a header whose name no header can have: letters, digits and hyphens")
	case slices.Contains(notAPlace, p.name):
		return fmt.Errorf("Place is the header %s, which net/http writes itself: name another", p.name)
	case p.scheme != "" && !isToken(p.scheme):
		return errors.New("Place has a scheme that is not one word: Bearer, say, or \"\" for the token alone")
	}
	return nil
}
