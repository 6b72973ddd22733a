package plain_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/internal/plain"
)

func TestFault(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"":                "",
		"p/ss+w=rd~42":    "",
		"\ufeffsecret":    "its first character is a byte order mark (BOM): save the text as UTF-8 without one",
		"\xff\xfes\x00":   "its first character is not UTF-8: save the text as UTF-8, without a byte order mark",
		"secret\n":        "its last character is a newline",
		"secret\r\n":      "its character 7 is a carriage return",
		" secret":         "its first character is a space",
		"se cret":         "its character 3 is a space",
		"sec\tret":        "its character 4 is a tab",
		"sec\x00ret":      "its character 4 is a control character",
		"secret\x7f":      "its last character is a control character",
		"se\u00a0cret":    "its character 3 is a space outside of ASCII",
		"se\u200bcret":    "its character 3 is an invisible character",
		"\u00fcber":       "its first character is outside of ASCII",
		"s\u00fc\u00fc x": "its character 2 is outside of ASCII",
		"\n":              "its only character is a newline",
		"\ufffdx":         "its first character is outside of ASCII",
	} {
		got := plain.Fault(value)
		assert.Equal(t, want, got, "%q", value)
		assert.False(t, len(value) > 4 && strings.Contains(got, value))
	}
}
