package call_test

import (
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/internal/call"
	"github.com/onetoken-go/onetoken/tokencache"
)

// One line, printable, and bounded.
func TestMessage(t *testing.T) {
	for _, c := range []struct{ edge, given, want string }{
		{"plain words", "not for you", "not for you"},
		{"blanks around", "  x\r\n", "x"},
		{"lines", "a\nb\tc", "a b c"},
		{"nothing that prints", " \x00\u202e", ""},
		{"no UTF-8", "a\xffb", "a\ufffdb"},
		{"as long as it may be", strings.Repeat("ü", 200), strings.Repeat("ü", 200)},
		{"longer by one", strings.Repeat("ü", 201), strings.Repeat("ü", 199) + "…"},
	} {
		assert.Equal(t, c.want, call.Cleaner{}.Message(c.given), c.edge)
	}
}

// A secret is found in whatever spelling others repeat it.
func TestSecretsAreTakenOut(t *testing.T) {
	const secret = `S3cr3t<of>%the:cli+ent& "ключ"`
	inJSON, err := json.Marshal(secret)
	require.NoError(t, err)
	clean := call.NewCleaner(tokencache.NewSecret(secret))
	lower := func(escaped string) string { // %3C as %3c
		return regexp.MustCompile("%[0-9A-F]{2}").ReplaceAllStringFunc(escaped, strings.ToLower)
	}
	byURI := strings.ReplaceAll(url.QueryEscape(secret), "+", "%20") // encodeURIComponent
	forHTML := html.EscapeString(secret)
	for edge, form := range map[string]string{
		"in a form, in lower case": lower(url.QueryEscape(secret)), "in a path, in lower case": lower(url.PathEscape(secret)),
		"by encodeURIComponent": byURI, "the same in lower case": lower(byURI),
		"in HTML": forHTML, "in HTML, by other names": strings.NewReplacer("&#34;", "&quot;").Replace(forHTML),
		"in HTML, but for the quote": strings.NewReplacer("&#34;", `"`).Replace(forHTML),
		"in JSON, in upper case":     strings.NewReplacer(`\u003c`, `\u003C`, `\u003e`, `\u003E`).Replace(string(inJSON[1 : len(inJSON)-1])),
		"as it is":                   secret, "in a form": url.QueryEscape(secret), "in a path": url.PathEscape(secret), "in JSON": string(inJSON[1 : len(inJSON)-1]),
	} {
		assert.Equal(t, "before *** after", clean.Message("before "+form+" after"), edge)
	}
	assert.Equal(t, "***", clean.And("token-of-some-length").Message("token-of-some-length"))
	assert.Equal(t, "***", clean.And("token-of-some-length").Message(secret))
}

// A character that also begins a spelling is found in either.
func TestSecretsOfEscapes(t *testing.T) {
	for _, secret := range []string{"%25%25%25%25", "%2B+%2B+%2B", `\u0041\u0041`, "&amp;&amp;&amp;", `\\\\\\\\`, "😀 a smile 😀", "a/b/c/d/e"} {
		inJSON, err := json.Marshal(secret)
		require.NoError(t, err)
		utf16 := strings.ReplaceAll(secret, "😀", `\ud83d\uDE00`)
		for _, form := range []string{
			secret, url.QueryEscape(secret), url.PathEscape(secret), string(inJSON[1 : len(inJSON)-1]), html.EscapeString(secret),
			strings.ReplaceAll(secret, "/", `\/`), utf16,
		} {
			assert.Equal(t, "x***y", call.Cleaner{}.And(secret).Message("x"+form+"y"), "%s as %s", secret, form)
		}
	}
	for _, other := range []string{"%", "%2", "%zz", `\`, `\u`, `\u00zz`, `\ud83d`, "&", "&#;", "&#x110000000000;", "+", ""} {
		assert.Equal(t, other, call.Cleaner{}.And("a long secret").Message(other))
	}
}

// Of a long text the beginning counts, behind whatever is cut off it, and no secret is cut in two.
func TestLongTexts(t *testing.T) {
	const secret = "a-secret-of-some-length"
	clean := call.Cleaner{}.And(secret)
	assert.Equal(t, "x", clean.Message(strings.Repeat(" \n\x00", 20000)+"x"))
	assert.Equal(t, strings.Repeat("*", 199)+"…", clean.Message(strings.Repeat(secret, 3000)))
	for at := 190; at < 205; at++ {
		assert.NotContains(t, clean.Message(strings.Repeat("x", at)+secret), "a-")
	}
	assert.Len(t, []rune(clean.Line(strings.Repeat("x", 60000)+secret)), 4096)
}

// Each of two secrets goes, also if one is a part of the other.
func TestSecretWithinAnother(t *testing.T) {
	const inner, outer = "inner-secret", "front-of-outer-inner-secret-end-of-outer"
	assert.Equal(t, "***, ***", call.NewCleaner(tokencache.NewSecret(inner)).And(outer).Message(outer+", "+inner))
	assert.Equal(t, "***, ***", call.NewCleaner(tokencache.NewSecret(outer)).And(inner).Message(outer+", "+inner))
}

// What cleaning changes in a secret does not hide it, nor does it put one together that stays.
func TestCleaningHidesNoSecret(t *testing.T) {
	clean := call.Cleaner{}.And("a line\nand another")
	assert.Equal(t, "***", clean.Message("a line\nand another"))
	clean = call.Cleaner{}.And("two words together")
	assert.Equal(t, "***", clean.Message("two\nwords\ttogether"))
}

// One that is a word of its own is taken out only where it stands alone.
func TestShortSecret(t *testing.T) {
	clean := call.NewCleaner(tokencache.NewSecret("test"))
	assert.Equal(t, "the *** of testing: ***, (***) latest", clean.Message("the test of testing: test, (test) latest"))
}
