package call

import (
	"html"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// endOf returns where a secret that begins at s[begin] ends, or -1 if none begins there. Each of its
// characters may be spelled in whatever way others have: as it is, as in a URL or a form, in JSON, or in
// HTML.
func endOf(s string, begin int, secret string) int {
	ends := []int{begin} // of what has been matched: spellings may be ambiguous, as of a %
	for rest := secret; rest != ""; {
		_, size := utf8.DecodeRuneInString(rest)
		var next []int
		for _, at := range ends {
			next = appendEnds(next, s, at, rest[:size])
		}
		if len(next) == 0 {
			return -1
		}
		slices.Sort(next)
		next = slices.Compact(next)
		ends, rest = next[max(0, len(next)-mostEnds):], rest[size:]
	}
	return ends[len(ends)-1]
}

// mostEnds bounds what a secret and a text made of nothing but escapes cost.
const mostEnds = 16

// appendEnds appends where the spellings of a character that begin at s[at] end.
func appendEnds(ends []int, s string, at int, char string) []int {
	rest := s[at:]
	if strings.HasPrefix(rest, char) {
		ends = append(ends, at+len(char))
	}
	if rest == "" {
		return ends
	}
	size := 0
	switch rest[0] {
	case '%':
		size = percentEncoded(rest, char)
	case '+':
		if char == " " {
			size = 1
		}
	case '\\':
		size = inJSON(rest, char)
	case '&':
		size = inHTML(rest, char)
	}
	if size > 0 {
		ends = append(ends, at+size)
	}
	return ends
}

// percentEncoded, inJSON and inHTML return the length of such a spelling of char at the beginning of s; 0
// if there is none.
func percentEncoded(s, char string) int {
	for i := range len(char) {
		if len(s) < 3*(i+1) || s[3*i] != '%' {
			return 0
		}
		b, err := strconv.ParseUint(s[3*i+1:3*i+3], 16, 8)
		if err != nil || byte(b) != char[i] {
			return 0
		}
	}
	return 3 * len(char)
}

func inJSON(s, char string) int {
	if strings.HasPrefix(s[1:], char) && strings.Contains(`"\/`, char) {
		return 2
	}
	first, ok := unit(s)
	switch {
	case !ok:
		return 0
	case string(first) == char:
		return len(`\u0000`)
	}
	if second, ok := unit(s[len(`\u0000`):]); ok && string(utf16.DecodeRune(first, second)) == char {
		return 2 * len(`\u0000`)
	}
	return 0
}

// unit is one of UTF-16, at the beginning of s.
func unit(s string) (rune, bool) {
	if len(s) < len(`\u0000`) || s[:2] != `\u` {
		return 0, false
	}
	n, err := strconv.ParseUint(s[2:6], 16, 16)
	return rune(n), err == nil
}

func inHTML(s, char string) int {
	const longest = len("&#x0010FFFF;")
	end := strings.IndexByte(s[:min(len(s), longest)], ';') + 1
	if end == 0 || html.UnescapeString(s[:end]) != char {
		return 0
	}
	return end
}
