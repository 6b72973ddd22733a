package e2e

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// assertNone checks that no secret stands in the text, plain or encoded.
func assertNone(t *testing.T, text string, secrets ...string) {
	t.Helper()
	for _, s := range secrets {
		require.NotEmpty(t, s, "a secret, or this finds nothing")
		for _, form := range spellings(s) {
			assert.NotContains(t, text, form)
		}
	}
}

// spellings of a secret: in a URL, a form, a JSON string or base64, which HTTP Basic has of both id and
// secret.
func spellings(s string) (all []string) {
	for _, form := range []string{s, url.QueryEscape(s), url.PathEscape(s), strings.ReplaceAll(s, "/", `\/`)} {
		all = append(all, form)
		for shift := range 3 {
			for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
				all = append(all, within(encoding, form, shift))
			}
		}
	}
	return all
}

// within is what shows of s in the encoding of something longer, in which so many bytes stand before it,
// modulo 3: all but the characters at both ends that depend on others' bits as well.
func within(encoding *base64.Encoding, s string, shift int) string {
	first := (shift*8 + 5) / 6
	last := (shift + len(s)) * 8 / 6
	return encoding.EncodeToString([]byte("\x00\x00"[:shift] + s))[first:last]
}

func TestSpellings(t *testing.T) {
	const id = "client:1"
	for _, before := range []string{"", "a", "ab", "abc", url.QueryEscape(id) + ":"} {
		for _, after := range []string{"", "x", "xy"} {
			for _, form := range []string{secret, url.QueryEscape(secret)} {
				text := before + form + after
				for _, shown := range []string{text, base64.StdEncoding.EncodeToString([]byte(text)), base64.URLEncoding.EncodeToString([]byte(text))} {
					found := false
					for _, spelling := range spellings(secret) {
						found = found || strings.Contains(shown, spelling)
					}
					assert.True(t, found, shown)
				}
			}
		}
	}
	for _, spelling := range spellings(secret) {
		assert.Greater(t, len(spelling), len(secret)-1, "too short to tell")
	}
}

func escaped(s string) string { return url.QueryEscape(s) }
