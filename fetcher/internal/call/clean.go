package call

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/onetoken-go/onetoken/tokencache"
)

const (
	maxMessage  = 200  // runes
	maxLogID    = 128  // bytes
	maxScrubbed = 4096 // runes: far more than either
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
	s = strings.TrimFunc(s, func(r rune) bool { return r == ' ' || !unicode.IsPrint(r) })
	return c.scrubAround(s, func(s string) string { return strings.TrimSpace(strings.Map(printable, s)) })
}

// scrubAround scrubs what is there before cleaning, which may change a secret, and after it, as that may
// put one together.
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

// scrub takes the secrets out of what the issuer said, in case that repeats the request. Of a long text
// it leaves the beginning, which is all that is repeated: so others' words cost no more than that.
func (c Cleaner) scrub(s string) string {
	var b strings.Builder
	for i, left := 0, maxScrubbed; i < len(s) && left > 0; left-- {
		if end := c.endOfSecret(s, i); end > i {
			b.WriteString("***")
			i = end
			continue
		}
		_, size := utf8.DecodeRuneInString(s[i:])
		b.WriteString(s[i : i+size])
		i += size
	}
	return b.String()
}

// endOfSecret returns where a secret that begins at s[begin] ends, or -1. One so short that other words
// may hold it counts only where it stands alone.
func (c Cleaner) endOfSecret(s string, begin int) int {
	for _, secret := range c.secrets {
		secret := secret.Reveal()
		if end := endOf(s, begin, secret); end > begin && (len(secret) >= wordySecret || isAlone(s, begin, end)) {
			return end
		}
	}
	return -1
}

// wordySecret is the length from which no text holds a secret by chance.
const wordySecret = 8

// isAlone reports whether neither a letter nor a digit stands beside s[begin:end].
func isAlone(s string, begin, end int) bool {
	before, _ := utf8.DecodeLastRuneInString(s[:begin])
	after, _ := utf8.DecodeRuneInString(s[end:])
	return !isWordy(before) && !isWordy(after)
}

func isWordy(r rune) bool {
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r))
}
