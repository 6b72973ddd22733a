package gateway

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// methods that are passed on.
var methods = []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

// plainPath returns the path of a request as even the most lenient server may read it, if every server finds the same
// parts in it: then what is decided here by the path holds where it is served.
func plainPath(r *http.Request) (path string, no *refusal) {
	if r.Method == http.MethodConnect || r.URL.IsAbs() || r.URL.Host != "" {
		return "", noForwardProxy
	}
	if !slices.Contains(methods, r.Method) {
		return "", wrongMethod(strings.Join(methods, ", "))
	}
	if strings.ContainsFunc(r.URL.RawQuery, func(c rune) bool { return c <= ' ' || c == 0x7f }) { // HTTP/2 lets blanks pass
		return "", oddPath
	}
	if isPlain(r.URL) {
		return r.URL.Path, nil
	}
	rest, rooted := strings.CutPrefix(r.URL.EscapedPath(), "/")
	if !rooted {
		return "", notHere
	}
	parts := strings.Split(rest, "/")
	for i, part := range parts {
		plain, odd := plainPart(part)
		if odd || part == "" && i < len(parts)-1 {
			return "", oddPath
		}
		parts[i] = plain
	}
	return "/" + strings.Join(parts, "/"), nil
}

// isPlain is true of most, and spares them a look at each part.
func isPlain(u *url.URL) bool {
	return u.RawPath == "" && strings.HasPrefix(u.Path, "/") && !strings.Contains(u.Path, "//") &&
		!strings.ContainsFunc(u.Path, func(c rune) bool { return c == '%' || c == '.' || c <= ' ' || c >= 0x7f || endsPart(c) && c != '/' })
}

// plainPart decodes a part of the path, again and again, as some servers do it, and leaves out blanks and dots at its end, as
// others do. It is odd if something in it may stand for its end, or for another part.
func plainPart(part string) (plain string, odd bool) {
	for {
		plain = decoded(part)
		if plain == "." || plain == ".." || strings.ContainsFunc(plain, endsPart) {
			return "", true
		}
		if plain == part {
			return strings.TrimRight(plain, " ."), false
		}
		part = plain
	}
}

// decoded leaves a percent sign alone that begins nothing.
func decoded(part string) string {
	return encoded.ReplaceAllStringFunc(part, func(one string) string {
		plain, _ := url.PathUnescape(one) // it is two hexadecimal digits
		return plain
	})
}

var encoded = regexp.MustCompile("%[0-9A-Fa-f]{2}")

// endsPart is of slashes, of what some servers take for one or cut a part or the path at, and of control characters.
func endsPart(c rune) bool { return strings.ContainsRune(`/\;?#`, c) || c < ' ' || c == 0x7f }

// endpointOf ignores case and slashes at the end, as some servers do.
func endpointOf(path string) endpoint {
	plain := strings.ToLower(strings.TrimRight(path, "/"))
	if e, ok := endpoints[plain]; ok {
		return e
	}
	switch {
	case plain == "/open-apis/auth" || strings.HasPrefix(plain, "/open-apis/auth/"):
		return endpoint{serve: func(*visit) *refusal { return noSuchEndpoint }}
	case strings.HasPrefix(plain, "/open-apis/"):
		return endpoint{serve: (*visit).call}
	}
	return endpoint{serve: func(*visit) *refusal { return notHere }}
}

type endpoint struct {
	serve func(*visit) *refusal
	form  form
}

// endpoints by their paths in lower case.
var endpoints = map[string]endpoint{
	"/open-apis/auth/v3/tenant_access_token/internal": {serve: (*visit).issueTenant},
	"/open-apis/auth/v3/app_access_token/internal":    {serve: (*visit).issueApp},

	"/callback/ws/endpoint":                {serve: longConnection.serve, form: ofLongConnection},
	"/open-apis/auth/v3/app_ticket/resend": {serve: appTicket.serve},
	"/open-apis/authen/v2/oauth/token":     {serve: signIn.serve, form: ofOAuth},

	// By the app access token, or the tenant's: what these answer has a user's.
	"/open-apis/authen/v1/access_token":              {serve: (*visit).callToSignIn},
	"/open-apis/authen/v1/refresh_access_token":      {serve: (*visit).callToSignIn},
	"/open-apis/authen/v1/oidc/access_token":         {serve: (*visit).callToSignIn},
	"/open-apis/authen/v1/oidc/refresh_access_token": {serve: (*visit).callToSignIn},
	"/open-apis/mina/v2/tokenloginvalidate":          {serve: (*visit).callToSignIn},
	"/open-apis/mina/loginvalidate":                  {serve: (*visit).callToSignIn},
}
