package fetcher

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode"
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

// scrub takes the app secret out of what the issuer said, should it repeat the
// request: as it is, as it stands in a URL or form, or in JSON, where only some
// encoders escape what means something in HTML.
func (f *Feishu) scrub(s string) string {
	secret := f.secret()
	forHTML, err := json.Marshal(secret)
	if err != nil {
		return "" // does not happen to a string
	}
	inJSON := func(quoted string) string { return quoted[1 : len(quoted)-1] }
	return strings.NewReplacer(
		secret, "***",
		url.QueryEscape(secret), "***",
		url.PathEscape(secret), "***",
		inJSON(string(forHTML)), "***",
		inJSON(strconv.Quote(secret)), "***", // ASCII: as plain JSON has it
	).Replace(s)
}
