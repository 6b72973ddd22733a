package page

import (
	"html/template"
	"strconv"
	"strings"
	"time"

	"github.com/onetoken-go/onetoken/internal/standing"
)

// until is a moment as what is left until then; page.js keeps it so.
func until(now, at time.Time) template.HTML {
	return moment("until", at, standing.Span(at.Sub(now)))
}

// ago is a moment as what has passed since.
func ago(now, at time.Time) template.HTML {
	return moment("ago", at, standing.Span(now.Sub(at)))
}

// seen is when somebody was seen last, which is known to the minute.
func seen(now, at time.Time) template.HTML {
	words := "just now"
	if passed := now.Sub(at); passed >= justNow {
		words = standing.Span(passed) + " ago"
	}
	return moment("seen", at, words)
}

const justNow = 2 * time.Minute

// moment is safe: it is made of numbers and our own words. page.js says in full when that is, at the pointer.
func moment(kind string, at time.Time, words string) template.HTML {
	return template.HTML("<time data-" + kind + ` datetime="` + at.UTC().Format("2006-01-02T15:04:05.000Z") + `">` + words + "</time>")
}

// thousands separates them with a thin space that does not break.
func thousands(n uint64) string {
	digits := strconv.FormatUint(n, 10)
	var b strings.Builder
	for i, digit := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteString("\u202f")
		}
		b.WriteRune(digit)
	}
	return b.String()
}

// counted is "1 call" or "2 calls".
func counted(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(n) + " " + many
}
