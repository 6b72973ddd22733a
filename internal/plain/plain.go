// Package plain names the character that keeps a secret, an id or a URL from being printable
// ASCII without spaces. It never shows the value.
package plain

import (
	"fmt"
	"unicode"
	"unicode/utf8"
)

// Fault says which character of s is not plain, and where: "its last character is a newline".
// It tells the first one; "" means that all are plain. Positions count characters from 1.
func Fault(s string) string {
	position := 0
	for i, r := range s {
		position++
		_, size := utf8.DecodeRuneInString(s[i:])
		name := nameOf(r, size)
		if name == "" {
			continue
		}
		return where(position, i+size == len(s)) + " is " + name
	}
	return ""
}

func where(position int, last bool) string {
	switch {
	case position == 1 && last:
		return "its only character"
	case position == 1:
		return "its first character"
	case last:
		return "its last character"
	}
	return fmt.Sprintf("its character %d", position)
}

// nameOf is "" for a plain character.
func nameOf(r rune, size int) string {
	switch {
	case r > ' ' && r < 0x7f:
		return ""
	case r == utf8.RuneError && size == 1:
		return "not UTF-8: save the text as UTF-8, without a byte order mark"
	case r == '\uFEFF':
		return "a byte order mark (BOM): save the text as UTF-8 without one"
	case r == ' ':
		return "a space"
	case r == '\n':
		return "a newline"
	case r == '\r':
		return "a carriage return"
	case r == '\t':
		return "a tab"
	case unicode.IsControl(r):
		return "a control character"
	case unicode.IsSpace(r):
		return "a space outside of ASCII"
	case unicode.Is(unicode.Cf, r):
		return "an invisible character"
	}
	return "outside of ASCII"
}
