package call

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/onetoken-go/onetoken/tokencache"
)

const (
	maxMessage = 200 // runes
	maxLogID   = 128 // bytes
)

// Cleaner makes others' words fit to be repeated. It keeps the texts that these must not hold behind
// func values, so that nothing prints them. The zero one knows of none.
type Cleaner struct {
	secrets []tokencache.Secret // the longest first: a shorter one may be a part of it
}

// NewCleaner makes a Cleaner that takes the secrets out.
func NewCleaner(secrets ...tokencache.Secret) Cleaner {
	return Cleaner{slices.SortedStableFunc(slices.Values(secrets), func(a, b tokencache.Secret) int {
		return cmp.Compare(len(b.Reveal()), len(a.Reveal()))
	})}
}

// And is the Cleaner that takes one more text out; of "" it is the same one.
func (c Cleaner) And(secret string) Cleaner {
	if secret == "" {
		return c
	}
	return NewCleaner(append(slices.Clip(c.secrets), tokencache.NewSecret(secret))...)
}

// Message makes one line of at most maxMessage printable characters, fit for a log and for Redis.
func (c Cleaner) Message(s string) string { return Cut(c.Line(s), maxMessage) }

// Line makes one line of printable characters, without the secrets. Cut it afterwards if need be, or
// leave out a part: either, done before, could leave half a secret, which is not found.
func (c Cleaner) Line(s string) string {
	return c.scrubAround(s, func(s string) string { return strings.TrimSpace(strings.Map(printable, s)) })
}

// scrubAround scrubs what is there before cleaning, which may change a secret, and after it, which
// may put one together.
func (c Cleaner) scrubAround(s string, clean func(string) string) string {
	return c.scrub(clean(c.scrub(s)))
}

func printable(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return ' '
}

// Cut returns the first characters of s, the last of them an ellipsis if there are more.
func Cut(s string, longest int) string {
	if runes := []rune(s); len(runes) > longest {
		return string(runes[:longest-1]) + "…"
	}
	return s
}

// logID names the request for the issuer's support, by the first of the headers that is there: at
// most maxLogID printable ASCII characters.
func (c Cleaner) logID(h http.Header, headers []string) string {
	for _, name := range headers {
		if id := h.Get(name); id != "" {
			id = c.scrubAround(id, func(id string) string { return strings.Map(wordOnly, id) })
			return id[:min(len(id), maxLogID)]
		}
	}
	return ""
}

func wordOnly(r rune) rune {
	if r > ' ' && r < 0x7f {
		return r
	}
	return -1
}

// scrub takes the secrets out of what the issuer said, in case that repeats the request.
func (c Cleaner) scrub(s string) string {
	for _, secret := range c.secrets {
		s = without(s, secret.Reveal())
	}
	return s
}

// without finds a secret as it is, as it stands in a URL or form, and as in JSON, with and without the
// escapes for HTML. A secret so short that other words may hold it is taken out only where it
// stands alone.
func without(s, secret string) string {
	if secret == "" {
		return s
	}
	forHTML, err := json.Marshal(secret)
	if err != nil {
		return "" // does not happen to a string
	}
	inJSON := func(quoted string) string { return quoted[1 : len(quoted)-1] }
	forms := []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), inJSON(string(forHTML)),
		inJSON(strconv.Quote(secret)), // ASCII: as plain JSON has it
	}
	if len(secret) < wordySecret {
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

// wordySecret is the length from which no text holds a secret by chance.
const wordySecret = 8

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
