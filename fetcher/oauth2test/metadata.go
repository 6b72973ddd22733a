package oauth2test

import (
	"cmp"
	"net/http"
)

// metadata is where everything is, as RFC 8414 has it. The issuer is named as the request named it, so
// that the one Issuer is at home at any address.
func (i *Issuer) metadata(r *http.Request) map[string]any {
	base := baseURL(r)
	return map[string]any{
		"issuer":                                base,
		"token_endpoint":                        base + TokenPath,
		"token_endpoint_auth_methods_supported": []AuthMethod{AuthBasic, AuthBody},
		"grant_types_supported":                 []string{grantType},
		"response_types_supported":              []string{}, // it has no authorization endpoint
	}
}

// openID is the same with what OpenID Connect Discovery wants beside it, but for the authorization
// endpoint, which there is not.
func (i *Issuer) openID(r *http.Request) map[string]any {
	document := i.metadata(r)
	document["jwks_uri"] = baseURL(r) + KeysPath
	document["subject_types_supported"] = []string{"public"}
	document["id_token_signing_alg_values_supported"] = []string{"RS256"}
	return document
}

// baseURL is scheme and host by which the request came. Only one without a socket has the scheme in
// its URL.
func baseURL(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return cmp.Or(r.URL.Scheme, scheme) + "://" + cmp.Or(r.Host, r.URL.Host)
}
