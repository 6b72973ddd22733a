package larksdk

import (
	"regexp"
	"slices"
	"strings"

	"github.com/onetoken-go/onetoken/fetcher/bearer"
)

// The SDK's cache has one key for each token. There were three generations of them, and one of the
// keyless mode, in which the SDK has no secret and asks an OAuth 2 server, with tokens of one kind:
//
//	version        kind    key
//	until v3.12    app     app_access_token-{app}
//	v3.2, v3.4     tenant  tenant_access_token-{app}-{tenant}
//	between        tenant  tenant_access_token:app_secret:{app}:{tenant}
//	v3.12          app     app_access_token:app_secret:{app}:{digest of the secret}
//	v3.12          tenant  tenant_access_token:app_secret:{app}:{digest of the secret}:{tenant}
//	v3.12 keyless  access  tenant_access_token:client_assertion:{app}:{tenant}:{audience}
//
// where the tenant is empty for a self-built app.
const (
	tenantTokenKey = "tenant_access_token"
	appTokenKey    = "app_access_token"
)

// looksLikeToken reports whether a key may be that of an app or tenant access token, in whatever
// form to come.
func looksLikeToken(key string) bool {
	return strings.Contains(key, tenantTokenKey) || strings.Contains(key, appTokenKey)
}

// parseKey returns the token that a key is of. Not ok: the form is unknown.
func parseKey(key string) (m marker, ok bool) {
	rest, ok := strings.CutPrefix(key, appTokenKey)
	if m.kind = bearer.App; !ok {
		m.kind = bearer.Tenant
		if rest, ok = strings.CutPrefix(key, tenantTokenKey); !ok {
			return m, false
		}
	}
	switch {
	case strings.HasPrefix(rest, "-"):
		m.app, m.tenant, _ = strings.Cut(rest[1:], "-")
		return m, m.isWhole()
	case strings.HasPrefix(rest, ":app_secret:"):
		m.app, m.tenant, _ = strings.Cut(strings.TrimPrefix(rest, ":app_secret:"), ":")
		digest, after, isMore := strings.Cut(m.tenant, ":")
		if isDigest(digest) && isMore == (m.kind == bearer.Tenant) { // else it is a tenant that looks like one
			m.tenant = after
		}
		return m, m.isWhole()
	case strings.HasPrefix(rest, ":client_assertion:") && m.kind == bearer.Tenant:
		m.app, rest, _ = strings.Cut(strings.TrimPrefix(rest, ":client_assertion:"), ":")
		m.tenant, _, ok = strings.Cut(rest, ":")
		m.kind = bearer.Access
		return m, ok && m.isWhole()
	}
	return m, false
}

func (m marker) isWhole() bool {
	return m.app != "" && !strings.Contains(m.tenant, ":") && (m.kind != bearer.App || m.tenant == "")
}

// guessKey finds an app that is known in a key of an unknown form. The tenant it cannot.
func guessKey(key string, isKnown func(app string) bool) (m marker, ok bool) {
	if m.kind = bearer.App; strings.Contains(key, tenantTokenKey) {
		m.kind = bearer.Tenant
	}
	if strings.Contains(key, "client_assertion") {
		m.kind = bearer.Access
	}
	segments := strings.FieldsFunc(key, func(r rune) bool { return r == ':' || r == '-' || r == '/' || r == '.' })
	i := slices.IndexFunc(segments, isKnown)
	if i < 0 {
		return m, false
	}
	m.app, m.anyTenant = segments[i], m.kind != bearer.App
	return m, true
}

var digests = regexp.MustCompile(`[0-9a-f]{64}`)

func isDigest(s string) bool { return len(s) == 64 && digests.MatchString(s) }

// withoutDigest is a key for people: nobody else has to know a digest of the secret.
func withoutDigest(key string) string { return digests.ReplaceAllString(key, "[digest]") }
