package oauth2cc

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/onetoken-go/onetoken/internal/plain"
	"github.com/onetoken-go/onetoken/tokencache"
)

// reserved are the names that a field of Config has.
var reserved = []string{"scope", "audience", "resource", "client_id", "client_secret"}

// assertions say in another way who a client is (RFC 7521, section 4.2).
var assertions = []string{"client_assertion", "client_assertion_type"}

// checkPairs complains of what is sent besides id and secret.
func (c Config) checkPairs() error {
	var errs []error
	for i, scope := range c.Scopes {
		errs = append(errs, checkScope(fmt.Sprintf("Scopes[%d]", i), scope))
	}
	if len(c.scope()) > maxScopes {
		errs = append(errs, fmt.Errorf("Scopes of more than %d bytes in all", maxScopes))
	}
	if c.Audience != "" {
		errs = append(errs, checkText("Audience", c.Audience, 1, maxValue))
	}
	for i, resource := range c.Resources {
		// Not only the absolute URIs of RFC 8707: clients send an application's id to Entra's v1.0 endpoint, and
		// to SharePoint's an id with host and realm.
		errs = append(errs, checkText(fmt.Sprintf("Resources[%d]", i), resource, 1, maxValue))
	}
	for _, name := range slices.Sorted(maps.Keys(c.Params)) {
		errs = append(errs, checkParam(name, c.Params[name]))
	}
	if len(c.resources())+len(c.Params) > mostPairs {
		errs = append(errs, fmt.Errorf("Resources and Params are more than %d", mostPairs))
	}
	size := 0
	for _, pair := range c.pairs() {
		size += len(pair[0]) + len(pair[1])
	}
	if size > maxPairs {
		errs = append(errs, fmt.Errorf("Scopes, Audience, Resources and Params have more than %d bytes in all, with their names", maxPairs))
	}
	return errors.Join(errs...)
}

// checkScope wants a scope-token: RFC 6749, section 3.3.
func checkScope(field, scope string) error {
	switch {
	case scope == "":
		return fmt.Errorf("%s is empty: leave it out", field)
	case strings.Contains(strings.TrimSpace(scope), " "):
		return fmt.Errorf("%s has a space in it: give each scope by itself", field)
	case plain.Fault(scope) != "":
		return fmt.Errorf("%s: %s", field, plain.Fault(scope))
	case strings.ContainsAny(scope, `"\`):
		return fmt.Errorf(`%s has a " or a \ in it, which no scope has`, field)
	}
	return nil
}

func checkParam(name, value string) error {
	switch {
	case name == "":
		return errors.New("Params has a pair without a name")
	case len(name) > maxClientID || plain.Fault(name) != "":
		return errors.New("Params has a name that is long, or has more than printable ASCII without spaces")
	case strings.Contains(name, "="): // in the identity it would be the end of the name
		return errors.New("Params has a name with a = in it: give name and value apart")
	case slices.Contains(reserved, strings.ToLower(name)):
		return fmt.Errorf("Params repeats %s: use the field of Config for it", strings.ToLower(name))
	case strings.EqualFold(name, "grant_type"):
		return errors.New("Params has grant_type, which is always client_credentials: leave it out")
	case slices.Contains(assertions, strings.ToLower(name)):
		return fmt.Errorf("Params has %s: a client shows here who it is by ClientSecret alone", strings.ToLower(name))
	case soundsSecret(name):
		return errors.New("Params has a name that sounds like that of a secret: all but ClientSecret may be seen by anybody. For a server that wants one more, implement tokencache.Fetcher")
	case value == "":
		return nil
	}
	return checkText("a value of Params", value, 1, maxValue)
}

// soundsSecret goes by the words in a name, however they are put together. token_format is none,
// subject_token is.
func soundsSecret(name string) bool {
	name = strings.NewReplacer("_", "", "-", "", ".", "").Replace(strings.ToLower(name))
	for _, word := range []string{"secret", "password", "passwd", "passphrase", "assertion", "credential", "apikey", "privatekey"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return strings.HasSuffix(name, "token") || strings.HasSuffix(name, "jwt")
}

// scope is what is sent of Scopes: sorted, each once.
func (c Config) scope() string { return strings.Join(sortedSet(c.Scopes), " ") }

func (c Config) resources() []string { return sortedSet(c.Resources) }

func sortedSet(all []string) []string { return slices.Compact(slices.Sorted(slices.Values(all))) }

// pairs are what is sent, without id and secret, and in the order of the identity.
func (c Config) pairs() [][2]string {
	var all [][2]string
	if len(c.Scopes) > 0 {
		all = append(all, [2]string{"scope", c.scope()})
	}
	if c.Audience != "" {
		all = append(all, [2]string{"audience", c.Audience})
	}
	for _, resource := range c.resources() {
		all = append(all, [2]string{"resource", resource})
	}
	for _, name := range slices.Sorted(maps.Keys(c.Params)) {
		all = append(all, [2]string{name, c.Params[name]})
	}
	return all
}

// credential has in its identity all that is sent: its public parts stand in docs/interop.md, and
// cannot change. No name has a = in it, so that no two requests have the same parts.
func (c Config) credential(tokenURL *url.URL) (tokencache.Credential, error) {
	public := []string{tokenURL.String(), c.Auth.String()}
	for _, pair := range c.pairs() {
		public = append(public, pair[0]+"="+pair[1])
	}
	return tokencache.NewCredential(tokencache.CredentialConfig{
		Issuer: issuerName, App: c.ClientID, Public: public, Secret: []tokencache.Secret{c.ClientSecret},
		Window: c.Window, MaxLife: c.MaxLife,
	})
}

// form is the body of a request, with the secret only if that travels there.
func (c Config) form() url.Values {
	form := url.Values{"grant_type": {"client_credentials"}}
	for _, pair := range c.pairs() {
		form.Add(pair[0], pair[1])
	}
	if c.Auth == Body {
		form.Set("client_id", c.ClientID)
		form.Set("client_secret", c.ClientSecret.Reveal())
	}
	return form
}

// authorization is the header of Basic: a secret. Id and secret are form-urlencoded first, so that
// each may have a colon in it (RFC 6749, section 2.3.1).
func (c Config) authorization() string { return "Basic " + c.basic() }

func (c Config) basic() string {
	pair := url.QueryEscape(c.ClientID) + ":" + url.QueryEscape(c.ClientSecret.Reveal())
	return base64.StdEncoding.EncodeToString([]byte(pair))
}
