package address_test

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/internal/address"
)

var (
	base  = address.Rules{Field: "BaseURL", Example: "https://issuer.example"}
	whole = address.Rules{Field: "TokenURL", Example: "https://issuer.example/token", Whole: true}
)

// What is one address has one spelling, and that is its own.
func TestCanonical(t *testing.T) {
	for _, c := range []struct{ given, asBase, asWhole string }{
		{"https://issuer.example", "https://issuer.example", "https://issuer.example"},
		{"https://issuer.example/", "https://issuer.example", "https://issuer.example"},
		{"HTTPS://Issuer.Example.:0443/a", "https://issuer.example/a", "https://issuer.example/a"},
		{"http://issuer.example:80/a/", "http://issuer.example/a", "http://issuer.example/a/"},
		{"https://issuer.example:80", "https://issuer.example:80", "https://issuer.example:80"},
		{"https://issuer.example/%7ea%2fb%3c", "https://issuer.example/~a%2Fb%3C", "https://issuer.example/~a%2Fb%3C"},
		{"https://[0:0:0:0:0:0:0:1]:8443/a", "https://[::1]:8443/a", "https://[::1]:8443/a"},
		{"https://issuer.example/a?p=%7e&x", "", "https://issuer.example/a?p=%7e&x"},
		{"https://issuer.example/a?", "", "https://issuer.example/a"},
	} {
		for rules, want := range map[*address.Rules]string{&base: c.asBase, &whole: c.asWhole} {
			got, err := rules.Canonical(c.given)
			if want == "" {
				require.ErrorContains(t, err, "query or fragment", c.given)
				continue
			}
			require.NoError(t, err, c.given)
			assert.Equal(t, want, got.String())
			again, err := rules.Canonical(want)
			require.NoError(t, err)
			assert.Equal(t, got, again)
		}
	}
}

// All that is wrong is told at once, by the field's name, and nothing of the value.
func TestRefused(t *testing.T) {
	for given, complaints := range map[string][]string{
		"":                                    {"has to look like https://issuer.example/token"},
		"hunter2.example":                     {"has to look like https://issuer.example/token"},
		"https://hunter2.example/\n":          {": its last character is a newline"},
		"https://hunter2.example:port":        {"is not a URL"},
		"https://a:hunter2@:0/hunter2/../x#y": {"names no host", "a port outside of", "a user name or password", "a fragment", "a path with //, . or .."},
		"https://hunter2.example//x":          {"a path with //, . or .."},
		"https://hunter2.example/%2e%2E/x":    {"a path with //, . or .."},
		"https://hünter2.example":             {"letters outside of ASCII: write it in punycode"},
		"https://hunter2.example:65536":       {"a port outside of 1 to 65535"},
	} {
		u, err := whole.Canonical(given)
		assert.Nil(t, u)
		for _, complaint := range complaints {
			require.ErrorContains(t, err, complaint, given)
		}
		assert.ErrorContains(t, err, "TokenURL")
		assert.NotContains(t, err.Error(), "hunter2")
	}
}

func TestInTheClear(t *testing.T) {
	for raw, want := range map[string]bool{
		"https://issuer.example": false, "http://issuer.example": true, "http://127.0.0.1": false, "http://127.9.9.9:1": false, "http://[::1]": false,
		"http://[::ffff:127.0.0.1]": false, "http://localhost": false, "http://a.localhost": false, "http://localhost.example": true, "http://10.0.0.1": true,
	} {
		u, err := url.Parse(raw)
		require.NoError(t, err)
		assert.Equal(t, want, address.InTheClear(u), raw)
	}
}
