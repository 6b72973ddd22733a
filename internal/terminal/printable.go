package terminal

import (
	"strings"
	"unicode"
)

// Printable is one line of what may come from the network or from Redis: nothing in
// it moves the cursor or begins another line.
func Printable(text string) string {
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)), " ")
}
