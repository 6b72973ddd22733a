package call_test

import (
	"encoding/json"
	"net/url"
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
	for edge, form := range map[string]string{
		"as it is": secret, "in a form": url.QueryEscape(secret), "in a path": url.PathEscape(secret), "in JSON": string(inJSON[1 : len(inJSON)-1]),
	} {
		assert.Equal(t, "before *** after", clean.Message("before "+form+" after"), edge)
	}
	assert.Equal(t, "***", clean.And("token-of-some-length").Message("token-of-some-length"))
	assert.Equal(t, "***", clean.And("token-of-some-length").Message(secret))
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
