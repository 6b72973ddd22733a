package door

import (
	"slices"
	"strings"

	"github.com/onetoken-go/onetoken/internal/service/clients"
)

// grant is POST /oauth2/token.
func (v *visit) grant(string) ([]byte, *refusal) {
	f, no := v.readForm()
	if no != nil {
		return nil, no
	}
	v.table = v.now() // the client has had its time for the body
	identify := func(t *clients.Table) (clients.Identity, bool) { return t.IdentifyOAuth(v.r, f.id, f.secret) }
	who, ok := identify(v.table)
	if no := v.enter(who, ok, noBasic); no != nil {
		return nil, no
	}
	if no := f.judge(); no != nil {
		return nil, no
	}
	name, asked, no := parseScope(f.scope, who)
	if no != nil {
		return nil, no
	}
	credential, no := v.find(name, clients.Get)
	if no != nil {
		return nil, no
	}
	kind, no := asked.among(credential.Kinds())
	if no != nil {
		return nil, no
	}
	tok, _, no := get(v.r.Context(), credential, kind)
	if no != nil {
		return nil, no
	}
	if no := v.still(name, clients.Get, identify); no != nil {
		return nil, no
	}
	tok.Scope = name + string(asked)
	return encoded(tok), nil
}

// suffix is what a scope has behind the name: ":app", say, or nothing.
type suffix string

// parseScope returns the credential's name.
func parseScope(scope string, who clients.Identity) (name string, asked suffix, no *refusal) {
	if scope == "" {
		name, ok := who.OnlyCredential()
		if !ok {
			return "", "", badScope("scope is missing, and this client has not one credential alone: " +
				"give the name of one, or name:app or name:tenant")
		}
		return name, "", nil
	}
	if strings.Contains(scope, " ") {
		return "", "", badScope("scope has to be one credential: its name, or name:app or name:tenant")
	}
	name, _, _ = strings.Cut(scope, ":")
	return name, suffix(scope[len(name):]), nil
}

func (s suffix) among(kinds []Kind) (Kind, *refusal) {
	kind := Kind(strings.TrimPrefix(string(s), ":"))
	switch {
	case s == "":
		return kinds[0], nil
	case len(kinds) == 1:
		return "", badScope("this credential has one kind of token: give its name alone as scope")
	case !slices.Contains(kinds, kind):
		return "", badScope("what stands behind the name has to be " + words(kinds) + "; without it, it is the first")
	}
	return kind, nil
}
