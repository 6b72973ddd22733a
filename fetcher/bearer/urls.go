package bearer

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// urlHeaders are those of a reply that hold URLs.
var urlHeaders = []string{"Location", "Content-Location", "Link", "Refresh"}

var errLocation = errors.New("bearer: the API redirects to a URL that holds the access token, not as the parameter it came in: not followed")

// clean takes the token out of the URLs in a reply. Servers copy the query of a request into them:
// http.Client would make a Location the URL of its next request, which stands in errors and
// Referers, and may go to anybody. The next hop gets the token anew, if it may have it. A value from
// which the token cannot be taken is dropped, but for that of a redirect, which is an error.
func (p Place) clean(resp *http.Response, token string) error {
	if !p.query {
		return nil
	}
	isSafe := func(value string) bool { return !mentions(value, token) }
	cloned := false
	for _, name := range urlHeaders {
		values := resp.Header[name]
		if !slices.ContainsFunc(values, func(value string) bool { return !isSafe(value) }) {
			continue
		}
		var safe []string
		for _, value := range values {
			if value = p.cleaned(value, token); isSafe(value) {
				safe = append(safe, value)
			}
		}
		if name == "Location" && len(safe) < len(values) && isFollowed(resp.StatusCode) {
			return errLocation
		}
		if !cloned {
			resp.Header, cloned = resp.Header.Clone(), true // Base may have given this one to others
		}
		if resp.Header[name] = safe; safe == nil {
			delete(resp.Header, name)
		}
	}
	return nil
}

// isFollowed reports whether an http.Client goes on to the Location of a reply.
func isFollowed(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// cleaned is the value of a header without the parameter that is the token. All else stays as it is,
// to the letter. A Link has its URLs in <>, with the end of each after the query.
func (p Place) cleaned(value, token string) string {
	urls := strings.Split(value, ">")
	for i, u := range urls {
		urls[i] = p.cleanedURL(u, token)
	}
	return strings.Join(urls, ">")
}

func (p Place) cleanedURL(u, token string) string {
	path, query, _ := strings.Cut(u, "?")
	query, fragment, isFragment := strings.Cut(query, "#")
	kept := p.without(query, token)
	if kept == query {
		return u
	}
	if u = path; kept != "" {
		u += "?" + kept
	}
	if isFragment {
		u += "#" + fragment
	}
	return u
}

// without leaves the parameter out of a query, if its value is the token.
func (p Place) without(query, token string) string {
	return strings.Join(slices.DeleteFunc(strings.Split(query, "&"), func(pair string) bool {
		_, value, _ := strings.Cut(pair, "=")
		return p.isPair(pair) && (value == token || unescaped(value) == unescaped(token))
	}), "&")
}

// mentions reports whether a text holds the token, as it is or escaped for a URL.
func mentions(text, token string) bool {
	return slices.ContainsFunc(spelledOut(token), func(form string) bool { return strings.Contains(text, form) }) ||
		strings.Contains(unescaped(text), unescaped(token))
}

// spelledOut has a token as it is, and as net/url escapes it.
func spelledOut(token string) []string {
	return []string{token, url.QueryEscape(token), url.PathEscape(token)}
}

// unescaped is a text in which no %XX is left, however often it was escaped, and each plus is a
// space, which it stands for in some parts of a URL. What is no escape stays as it is. So two texts
// that somebody may take for the same are the same: some that differ are, too, as "+" and " ".
//
// It collapses an escape as soon as its last digit is there, which may in turn be the last digit of
// one before it: a text takes time in proportion to its length.
func unescaped(text string) string {
	plain := make([]byte, 0, len(text))
	for _, b := range []byte(text) {
		plain = append(plain, b)
		for {
			head, ok := collapsed(plain)
			if !ok {
				break
			}
			plain = head
		}
		if last := len(plain) - 1; plain[last] == '+' {
			plain[last] = ' '
		}
	}
	return string(plain)
}

// collapsed has the byte that an escape at the end of a text stands for in its place.
func collapsed(text []byte) (shorter []byte, ok bool) {
	start := len(text) - len("%XX")
	if start < 0 || text[start] != '%' {
		return text, false
	}
	high, ok1 := digitOf(text[start+1])
	low, ok2 := digitOf(text[start+2])
	if !ok1 || !ok2 {
		return text, false
	}
	text[start] = high<<4 | low
	return text[:start+1], true
}

func digitOf(b byte) (digit byte, ok bool) {
	switch {
	case '0' <= b && b <= '9':
		return b - '0', true
	case 'a' <= b && b <= 'f':
		return b - 'a' + 10, true
	case 'A' <= b && b <= 'F':
		return b - 'A' + 10, true
	}
	return 0, false
}
