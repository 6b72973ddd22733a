package fetcher

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxMessage = 200 // runes
	maxLogID   = 128 // bytes
)

// message makes one line of at most maxMessage printable characters, fit for a
// log and for Redis. It cleans, scrubs and then cuts: scrubbing first could
// miss a secret that cleaning puts together, cutting first leave half of one.
func (f *Feishu) message(s string) string {
	return cutRunes(f.scrub(strings.TrimSpace(strings.Map(printable, s))), maxMessage)
}

func printable(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return ' '
}

func cutRunes(s string, longest int) string {
	if runes := []rune(s); len(runes) > longest {
		return string(runes[:longest-1]) + "…"
	}
	return s
}

// logID names the request for the issuer's support: at most maxLogID printable
// ASCII characters.
func (f *Feishu) logID(h http.Header) string {
	id := h.Get("X-Tt-Logid")
	if id == "" {
		id = h.Get("X-Request-Id")
	}
	id = f.scrub(strings.Map(wordOnly, id))
	return id[:min(len(id), maxLogID)]
}

func wordOnly(r rune) rune {
	if r > ' ' && r < 0x7f {
		return r
	}
	return -1
}

// scrub takes the app secret out of what the issuer said, in case that repeats the request. It
// finds the secret as it is, as it stands in a URL or form, and as in JSON, with and without the
// escapes for HTML. A secret so short that other words may hold it is taken out only where it
// stands alone.
func (f *Feishu) scrub(s string) string {
	secret := f.secret.Reveal()
	forHTML, err := json.Marshal(secret)
	if err != nil {
		return "" // does not happen to a string
	}
	inJSON := func(quoted string) string { return quoted[1 : len(quoted)-1] }
	forms := []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), inJSON(string(forHTML)),
		inJSON(strconv.Quote(secret)), // ASCII: as plain JSON has it
	}
	if len(secret) < wordyAppSecret {
		for _, form := range forms {
			s = replaceAlone(s, form, "***")
		}
		return s
	}
	var pairs []string
	for _, form := range forms {
		pairs = append(pairs, form, "***")
	}
	return strings.NewReplacer(pairs...).Replace(s)
}

// wordyAppSecret is the length from which no text holds an app secret by chance.
const wordyAppSecret = 8

// replaceAlone replaces old where neither a letter nor a digit stands beside it.
func replaceAlone(s, old, instead string) string {
	var b strings.Builder
	rest := s
	for {
		i := strings.Index(rest, old)
		if i < 0 {
			b.WriteString(rest)
			return b.String()
		}
		before, _ := utf8.DecodeLastRuneInString(s[:len(s)-len(rest)+i])
		after, _ := utf8.DecodeRuneInString(rest[i+len(old):])
		if isWordy(before) || isWordy(after) {
			_, size := utf8.DecodeRuneInString(rest[i:])
			b.WriteString(rest[:i+size])
			rest = rest[i+size:]
			continue
		}
		b.WriteString(rest[:i] + instead)
		rest = rest[i+len(old):]
	}
}

func isWordy(r rune) bool {
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r))
}
