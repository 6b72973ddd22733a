package doccheck

import (
	"strings"
	"unicode"
)

// Slug is the anchor of a heading's text on GitHub: in lower case, without what is neither letter, digit,
// hyphen nor underscore, and a hyphen for each space.
func Slug(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || unicode.In(r, unicode.Letter, unicode.Mark, unicode.Number, unicode.Pc):
			return unicode.ToLower(r)
		}
		return -1
	}, text)
}
