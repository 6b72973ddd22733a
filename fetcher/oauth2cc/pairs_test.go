package oauth2cc_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/oauth2cc"
	"github.com/onetoken-go/onetoken/tokencache"
)

// The public parts of docs/interop.md, by which other languages find the record.
func TestCredential(t *testing.T) {
	c := config(nil)
	c.TokenURL = "HTTPS://Login.Example.COM:443/tenant/oauth2/v2.0/token?p=1"
	c.Scopes, c.Audience = []string{"mail.send", "mail.read"}, "https://api.example.com"
	c.Resources, c.Params = []string{"urn:b", "urn:a"}, map[string]string{"z": "", "foo": "a=b"}
	c.Window, c.MaxLife = 5*time.Minute, time.Hour
	want, err := tokencache.NewCredential(tokencache.CredentialConfig{
		Issuer: "oauth2", App: clientID, Secret: []tokencache.Secret{tokencache.NewSecret(secret)},
		Public: []string{
			"https://login.example.com/tenant/oauth2/v2.0/token?p=1", "client_secret_basic", "scope=mail.read mail.send",
			"audience=https://api.example.com", "resource=urn:a", "resource=urn:b", "foo=a=b", "z=",
		},
	})
	require.NoError(t, err)
	got := newFetcher(t, c).Credential()
	assert.Equal(t, want.ID(), got.ID())
	assert.Equal(t, "oauth2", got.Issuer())
	assert.Equal(t, clientID, got.App())
	assert.Equal(t, "https://login.example.com/tenant/oauth2/v2.0/token", got.IssuerURL(), "without the query")
	assert.Equal(t, 5*time.Minute, got.Window())
	assert.Equal(t, time.Hour, got.MaxLife())

	plain := newFetcher(t, config(nil)).Credential()
	assert.Zero(t, plain.Window(), "it mints at every call")
	assert.Equal(t, 30*24*time.Hour, plain.MaxLife())
}

// Spellings of one request are one credential.
func TestCredentialsAlike(t *testing.T) {
	base := config(nil)
	base.Scopes, base.Resources = []string{"a", "b"}, []string{"urn:x", "urn:y"}
	id := newFetcher(t, base).Credential().ID()
	for edge, change := range map[string]func(*oauth2cc.Config){
		"scopes in another order":     func(c *oauth2cc.Config) { c.Scopes = []string{"b", "a"} },
		"a scope twice":               func(c *oauth2cc.Config) { c.Scopes = []string{"b", "a", "b"} },
		"resources in another order":  func(c *oauth2cc.Config) { c.Resources = []string{"urn:y", "urn:x"} },
		"a resource twice":            func(c *oauth2cc.Config) { c.Resources = []string{"urn:x", "urn:y", "urn:x"} },
		"no pairs, but a map":         func(c *oauth2cc.Config) { c.Params = map[string]string{} },
		"capitals in the host":        func(c *oauth2cc.Config) { c.TokenURL = "https://LOGIN.example.com./oauth2/token" },
		"the scheme's port":           func(c *oauth2cc.Config) { c.TokenURL = "https://login.example.com:0443/oauth2/token" },
		"an empty query":              func(c *oauth2cc.Config) { c.TokenURL += "?" },
		"needless percent-encoding":   func(c *oauth2cc.Config) { c.TokenURL = "https://login.example.com/%6fauth2/token" },
		"a life for want of a better": func(c *oauth2cc.Config) { c.Life = time.Hour },
	} {
		c := base
		change(&c)
		assert.Equal(t, id, newFetcher(t, c).Credential().ID(), edge)
	}
}

// What is sent otherwise, or elsewhere, is another credential: two scopes never share a record.
func TestCredentialsApart(t *testing.T) {
	ids := map[string]string{}
	for edge, change := range map[string]func(*oauth2cc.Config){
		"one":                         func(*oauth2cc.Config) {},
		"another client":              func(c *oauth2cc.Config) { c.ClientID = "client-2" },
		"another secret":              func(c *oauth2cc.Config) { c.ClientSecret = tokencache.NewSecret("another") },
		"a moved border":              func(c *oauth2cc.Config) { c.ClientID, c.ClientSecret = clientID+"S", tokencache.NewSecret(secret[1:]) },
		"in the body":                 func(c *oauth2cc.Config) { c.Auth = oauth2cc.Body },
		"another host":                func(c *oauth2cc.Config) { c.TokenURL = "https://other.example.com/oauth2/token" },
		"by http":                     func(c *oauth2cc.Config) { c.TokenURL = "http://127.0.0.1/oauth2/token" },
		"a slash at the end":          func(c *oauth2cc.Config) { c.TokenURL += "/" },
		"a query":                     func(c *oauth2cc.Config) { c.TokenURL += "?p=1" },
		"another query":               func(c *oauth2cc.Config) { c.TokenURL += "?p=2" },
		"a scope":                     func(c *oauth2cc.Config) { c.Scopes = []string{"read"} },
		"another scope":               func(c *oauth2cc.Config) { c.Scopes = []string{"write"} },
		"both":                        func(c *oauth2cc.Config) { c.Scopes = []string{"read", "write"} },
		"a scope in capitals":         func(c *oauth2cc.Config) { c.Scopes = []string{"READ"} },
		"an audience":                 func(c *oauth2cc.Config) { c.Audience = "read" },
		"a resource":                  func(c *oauth2cc.Config) { c.Resources = []string{"urn:read"} },
		"two resources":               func(c *oauth2cc.Config) { c.Resources = []string{"urn:read", "urn:write"} },
		"an audience like a resource": func(c *oauth2cc.Config) { c.Audience = "urn:read" },
		"a pair":                      func(c *oauth2cc.Config) { c.Params = map[string]string{"a": "read"} },
		"another name":                func(c *oauth2cc.Config) { c.Params = map[string]string{"b": "read"} },
		"another value":               func(c *oauth2cc.Config) { c.Params = map[string]string{"a": "write"} },
		"a pair without a value":      func(c *oauth2cc.Config) { c.Params = map[string]string{"a": ""} },
		"a pair with a name inside":   func(c *oauth2cc.Config) { c.Params = map[string]string{"a": "read", "b": ""} },
	} {
		c := config(nil)
		change(&c)
		id := newFetcher(t, c).Credential().ID()
		assert.Empty(t, ids[id], "%s and %s", edge, ids[id])
		ids[id] = edge
	}
}

// Whatever the fields hold, two clients share a record if and only if they send the same request.
func TestSameIdentitySameRequest(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	one := func(of ...string) string { return of[random.IntN(len(of))] }
	some := func(of ...string) (some []string) { // mostly none, so that two are often alike
		for random.IntN(3) == 0 {
			some = append(some, one(of...))
		}
		return some
	}
	requests, ids := map[string]string{}, map[string]string{} // by id, by request
	for range 6000 {
		c := config(nil)
		c.TokenURL += strings.Join(some("?a=b", "?scope=x"), "")
		c.Auth = oauth2cc.Auth(random.IntN(2))
		c.ClientID, c.ClientSecret = one("a", "a:"), tokencache.NewSecret(one("b:secret", ":b:secret"))
		c.Scopes = some("x", "y", "x=y", "x&y", "scope=x")
		c.Audience = strings.Join(some("x", "=", " "), "")
		c.Resources = some("urn:x", "urn:x=y", "urn:x&y")
		c.Params = map[string]string{}
		for _, name := range some("a", "a=b", "scope=x", "audience=x", "a&b", "a%3Db", "=") {
			c.Params[name] = one("", "b", "c", "b=c", "=c", "x y", "=y")
		}
		if c.Validate() != nil {
			continue
		}
		r, form := sent(t, c)
		request := r.URL.String() + " " + r.Header.Get("Authorization") + " " + form.Encode()
		id := newFetcher(t, c).Credential().ID()
		if other, ok := requests[id]; ok {
			require.Equal(t, other, request, "two requests of one identity")
		}
		if other, ok := ids[request]; ok {
			require.Equal(t, other, id, "two identities of one request")
		}
		requests[id], ids[request] = request, id
	}
	assert.Greater(t, len(ids), 500)
}

func TestPairsRefused(t *testing.T) {
	long := strings.Repeat("x", 2049)
	for _, c := range []struct {
		edge      string
		change    func(*oauth2cc.Config)
		complaint string
	}{
		{"an empty scope", func(c *oauth2cc.Config) { c.Scopes = []string{"a", ""} }, "Scopes[1] is empty"},
		{"scopes in one", func(c *oauth2cc.Config) { c.Scopes = []string{"hunter2 b"} }, "Scopes[0] has a space in it: give each scope by itself"},
		{"a newline", func(c *oauth2cc.Config) { c.Scopes = []string{"hunter2\n"} }, "Scopes[0]: its last character is a newline"},
		{"outside of ASCII", func(c *oauth2cc.Config) { c.Scopes = []string{"ü"} }, "Scopes[0]: its only character is outside of ASCII"},
		{"a quote", func(c *oauth2cc.Config) { c.Scopes = []string{`hunter2"`} }, `Scopes[0] has a "`},
		{"too much", func(c *oauth2cc.Config) { c.Scopes = []string{strings.Repeat("x", 8193)} }, "Scopes of more than 8192 bytes"},
		{"an audience with a newline", func(c *oauth2cc.Config) { c.Audience = "hunter2\n" }, "Audience begins or ends with a blank or a newline"},
		{"an audience too long", func(c *oauth2cc.Config) { c.Audience = long }, "Audience is longer than 2048 bytes"},
		{"an empty resource", func(c *oauth2cc.Config) { c.Resources = []string{""} }, "Resources[0] is empty"},
		{"a resource with a newline", func(c *oauth2cc.Config) { c.Resources = []string{"urn:a", "hunter2\n"} }, "Resources[1] begins or ends with a blank or a newline"},
		{"a resource with an invisible character", func(c *oauth2cc.Config) { c.Resources = []string{"hunter2\u200bx"} }, "Resources[0]: its character 8 is an invisible character"},
		{"a resource too long", func(c *oauth2cc.Config) { c.Resources = []string{long} }, "Resources[0] is longer than 2048 bytes"},
		{"no name", func(c *oauth2cc.Config) { c.Params = map[string]string{"": "hunter2"} }, "a pair without a name"},
		{"a name with a space", func(c *oauth2cc.Config) { c.Params = map[string]string{"hunter2 x": "1"} }, "Params has a name"},
		{"a name with a =", func(c *oauth2cc.Config) { c.Params = map[string]string{"hunter2=x": "1"} }, "Params has a name with a = in it"},
		{"a long name", func(c *oauth2cc.Config) { c.Params = map[string]string{long: "1"} }, "Params has a name"},
		{"a value with a NUL", func(c *oauth2cc.Config) { c.Params = map[string]string{"a": "hunter2\x00x"} }, "a value of Params: its character 8 is a control character"},
		{"too many", func(c *oauth2cc.Config) {
			c.Params = map[string]string{}
			for i := range 29 {
				c.Params[strings.Repeat("x", i+1)] = ""
			}
		}, "more than 28"},
	} {
		t.Run(c.edge, func(t *testing.T) {
			broken := config(nil)
			c.change(&broken)
			_, err := oauth2cc.New(broken)
			require.ErrorContains(t, err, c.complaint)
			assert.NotContains(t, err.Error(), "hunter2")
		})
	}
}

// What Validate lets pass New takes: each value may be long, but all together fit into a credential.
func TestSumOfAllThatIsSent(t *testing.T) {
	full := func(left int) oauth2cc.Config {
		c := config(nil)
		c.TokenURL += "?" + strings.Repeat("q", 4096-len(c.TokenURL)-1)
		c.ClientID = strings.Repeat("i", 128)
		c.ClientSecret = tokencache.NewSecret(strings.Repeat("s", 4096))
		c.Scopes, c.Audience = []string{strings.Repeat("x", 8192)}, strings.Repeat("a", 2048)
		c.Params = map[string]string{}
		left -= len("scope") + len(c.Scopes[0]) + len("audience") + len(c.Audience)
		for i := range 28 {
			name := fmt.Sprintf("p%02d", i)
			if left <= len(name) {
				break
			}
			c.Params[name] = strings.Repeat("v", min(2048, left-len(name)))
			left -= len(name) + len(c.Params[name])
		}
		return c
	}
	require.NoError(t, full(48<<10).Validate())
	newFetcher(t, full(48<<10))
	require.ErrorContains(t, full(48<<10+1).Validate(), "Scopes, Audience, Resources and Params have more than 49152 bytes in all")

	c := full(48 << 10)
	c.TokenURL += "q"
	require.ErrorContains(t, c.Validate(), "TokenURL is longer than 4096 bytes")
	c.TokenURL = "https://login.example.com/" + strings.Repeat("%3C", 3000)
	require.ErrorContains(t, c.Validate(), "TokenURL is longer than 4096 bytes")
}

// A resource is an absolute URI by RFC 8707, but not with every server: of Entra's v1.0 endpoint it may be
// an application's id, of SharePoint an id, a host and a realm.
func TestResources(t *testing.T) {
	for _, resource := range []string{
		"https://graph.microsoft.com/", "urn:api", "api://orders", "00000003-0000-0000-c000-000000000000",
		"00000003-0000-0ff1-ce00-000000000000/contoso.sharepoint.com@a1b2c3d4-0000-0000-0000-000000000000",
		"orders", "https://api.example/#part", "with a space", "ключ",
	} {
		c := config(nil)
		c.Resources = []string{resource}
		_, form := sent(t, c)
		assert.Equal(t, []string{resource}, form["resource"])
	}
}

// A further pair must not say what a field says, nor carry a secret: it is sent beside the identity that
// everybody may see.
func TestNamesOfParams(t *testing.T) {
	for name, complaint := range map[string]string{
		"grant_type": "always client_credentials", "scope": "repeats", "audience": "repeats", "resource": "repeats", "client_id": "repeats",
		"client_secret": "repeats", "CLIENT_SECRET": "repeats", "Scope": "repeats", "client_assertion": "by ClientSecret alone", "client_assertion_type": "by ClientSecret alone", "Client_Assertion": "has client_assertion:",
		"app_secret": "secret", "appSecret": "secret", "password": "secret", "user-passwd": "secret", "pass_phrase": "secret",
		"api_key": "secret", "apikey": "secret", "X-Api-Key": "secret", "private_key": "secret", "assertion": "secret",
		"subject_token": "secret", "actorToken": "secret", "credentials": "secret", "jwt": "secret",
		"token_format": "", "requested_token_type": "", "username": "", "tenant": "", "organization": "", "key_id": "", "claims": "", "account_id": "",
	} {
		c := config(nil)
		c.Params = map[string]string{name: "hunter2"}
		err := c.Validate()
		if complaint == "" {
			assert.NoError(t, err, name)
			continue
		}
		require.ErrorContains(t, err, complaint, name)
		assert.NotContains(t, err.Error(), "hunter2")
	}
	c := config(nil)
	c.Params = map[string]string{}
	for i := range 20 {
		c.Params[strings.Repeat("x", i+1)] = "1"
	}
	c.Scopes, c.Audience = []string{"a"}, "b"
	c.Resources = []string{"urn:1", "urn:2", "urn:3", "urn:4", "urn:5", "urn:6", "urn:7", "urn:8"}
	assert.NoError(t, c.Validate(), "as many as there may be")
	newFetcher(t, c)
}
