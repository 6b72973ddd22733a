package e2e

import (
	"encoding/base64"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
)

// assertNone checks that no secret stands in the text, plain or encoded.
func assertNone(t *testing.T, text string, secrets ...string) {
	t.Helper()
	for _, s := range secrets {
		for _, form := range []string{
			s, url.QueryEscape(s), url.PathEscape(s),
			base64.StdEncoding.EncodeToString([]byte(s)), base64.RawURLEncoding.EncodeToString([]byte(s)),
		} {
			assert.NotContains(t, text, form)
		}
	}
}

func escaped(s string) string { return url.QueryEscape(s) }
