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

// longestDatum is of what stands in Redis: others can write there.
const longestDatum = 300

// Datum is what stands in Redis, or came from an issuer, as a part of a line.
func Datum(s string) string {
	s = Printable(s)
	if runes := []rune(s); len(runes) > longestDatum {
		return string(runes[:longestDatum]) + "..."
	}
	return s
}
