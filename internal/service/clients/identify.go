package clients

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
)

// Identify tells by a request who asks: by the Bearer token in its Authorization header if it has such a
// header at all, which then decides alone; else by its certificate; else by the user id of its peer. It
// reads neither body nor URL. False is all that anybody is told who is not a client.
func (t *Table) Identify(r *http.Request) (Identity, bool) {
	authorization, given := authorizationOf(r)
	if !given {
		return t.byConnection(r)
	}
	secret, _ := cutScheme(authorization, "bearer")
	return t.BySecret(secret)
}

// IdentifyOAuth tells who asks a token endpoint (RFC 6749, section 2.3). Name and secret are client_id and
// client_secret of the body, empty if they are not there. With an Authorization header it is HTTP Basic
// that decides, where name and secret may be form-urlencoded first, as the RFC wants it, or not,
// as curl does it. Else it is the secret, if there is one; else certificate or peer
// (RFC 8705, section 2). The name, if there is one, has to be the client's in any case.
func (t *Table) IdentifyOAuth(r *http.Request, name, secret string) (Identity, bool) {
	authorization, given := authorizationOf(r)
	var who Identity
	var ok bool
	switch {
	case given:
		who, ok = t.byBasic(authorization)
	case secret != "":
		return t.ByNameAndSecret(name, secret)
	default:
		who, ok = t.byConnection(r)
	}
	if name == "" || ok && who.member.digest.equals(t.digests.of(name)) {
		return who, ok
	}
	return Identity{}, false
}

func (t *Table) byConnection(r *http.Request) (Identity, bool) {
	if who, ok := t.ByCertificate(r.TLS); ok {
		return who, true
	}
	return t.ByPeer(r.Context())
}

// byBasic looks for what was sent and for what that is decoded, whichever is right, so that both take
// the same steps.
func (t *Table) byBasic(authorization string) (Identity, bool) {
	name, secret := basicOf(authorization)
	who, ok := t.ByNameAndSecret(name, secret)
	decoded, okDecoded := t.ByNameAndSecret(unescaped(name), unescaped(secret))
	if okDecoded {
		return decoded, true
	}
	return who, ok
}

// unescaped is empty if s is no form-urlencoded text.
func unescaped(s string) string {
	plain, err := url.QueryUnescape(s)
	if err != nil {
		return ""
	}
	return plain
}

// authorizationOf is empty, and not missing, if there are two: nobody knows which counts.
func authorizationOf(r *http.Request) (value string, given bool) {
	all := r.Header["Authorization"]
	if len(all) == 1 {
		return all[0], true
	}
	return "", len(all) > 0
}

// basicOf reads HTTP Basic (RFC 7617); both are empty if it is none.
func basicOf(authorization string) (name, secret string) {
	encoded, _ := cutScheme(authorization, "basic")
	plain, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return "", ""
	}
	name, secret, _ = strings.Cut(string(plain), ":")
	return name, secret
}

// cutScheme is what stands behind the scheme, of which case makes no difference (RFC 9110, section 11.1).
func cutScheme(authorization, scheme string) (rest string, ok bool) {
	n := len(scheme)
	if len(authorization) <= n || authorization[n] != ' ' || !strings.EqualFold(authorization[:n], scheme) {
		return "", false
	}
	return strings.Trim(authorization[n:], " "), true
}
