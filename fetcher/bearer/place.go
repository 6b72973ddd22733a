package bearer

import (
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
)

// Place is where a token stands in a request. The zero value is the header Authorization with the
// scheme Bearer (RFC 6750, 2.1). Make others with InHeader and InQuery. It is comparable.
type Place struct {
	query        bool
	name, scheme string // no name: the zero value
}

// InHeader is a header: name: scheme token. Without a scheme the token is all of the value.
// InHeader("Authorization", "Bearer") is the zero Place.
func InHeader(name, scheme string) Place {
	p := Place{name: textproto.CanonicalMIMEHeaderKey(name), scheme: scheme}
	if p == authorizationBearer {
		return Place{}
	}
	return p
}

// InQuery is a parameter of the URL's query, such as the access_token of WeChat. Whoever logs URLs
// logs the token, such as the API's own host or a Base that logs: prefer a header where the API
// takes one (RFC 6750, 5.3). The Transport itself shows it to nobody: see the package.
func InQuery(name string) Place { return Place{query: true, name: name} }

// String tells the place, such as "header Authorization, scheme Bearer" or "query parameter access_token".
func (p Place) String() string {
	p = p.named()
	switch {
	case p.query:
		return "query parameter " + p.name
	case p.scheme == "":
		return "header " + p.name
	}
	return "header " + p.name + ", scheme " + p.scheme
}

// authorizationBearer is what the zero Place means. InHeader turns it into the zero value, so that Places
// which are the same compare as equal; named turns the zero value into it, for those who read the fields.
var authorizationBearer = Place{name: "Authorization", scheme: "Bearer"}

func (p Place) named() Place {
	if p == (Place{}) {
		return authorizationBearer
	}
	return p
}

// taken reports whether a request has something of its own in this place. It counts without a value
// as well, which says that the caller wants none; a header in any spelling, as all are sent.
func (p Place) taken(req *http.Request) bool {
	p = p.named()
	if p.query {
		return req.URL != nil && slices.ContainsFunc(strings.Split(req.URL.RawQuery, "&"), p.isPair)
	}
	for name := range req.Header {
		if strings.EqualFold(name, p.name) {
			return true
		}
	}
	return false
}

// isPair reports whether a part of a query is this parameter, with a value or without.
func (p Place) isPair(pair string) bool {
	name, _, _ := strings.Cut(pair, "=")
	if plain, err := url.QueryUnescape(name); err == nil {
		name = plain
	}
	return name == p.name
}

// put has a request carry the token. The request is the Transport's own copy.
func (p Place) put(req *http.Request, token string) {
	p = p.named()
	switch {
	case p.query:
		pair := url.QueryEscape(p.name) + "=" + url.QueryEscape(token)
		if req.URL.RawQuery != "" {
			pair = req.URL.RawQuery + "&" + pair
		}
		req.URL.RawQuery = pair
	case p.scheme == "":
		req.Header.Set(p.name, token)
	default:
		req.Header.Set(p.name, p.scheme+" "+token)
	}
}

// isToken reports whether s is a token in the sense of RFC 9110, 5.6.2.
func isToken(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return r > 0x7f || !isTokenByte(byte(r)) }) < 0
}

func isTokenByte(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", b) >= 0
}
