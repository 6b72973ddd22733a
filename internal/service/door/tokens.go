package door

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/onetoken-go/onetoken/internal/service/clients"
)

// answered is a token as a client gets it: see the package's page.
type answered struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int64  `json:"expires_in"`
	RefreshIn   int64  `json:"refresh_in,omitempty"`
	Fingerprint string `json:"fingerprint,omitempty"`
	Kind        Kind   `json:"kind,omitempty"`
	Scope       string `json:"scope,omitempty"`
}

// token is GET /v1/tokens/{name}.
func (v *visit) token(name string) ([]byte, *refusal) {
	who, ok := v.identify(v.table)
	if no := v.enter(who, ok, noBearer); no != nil {
		return nil, no
	}
	credential, no := v.find(name, clients.Get)
	if no != nil {
		return nil, no
	}
	kind, no := kindOf(v.r.URL.RawQuery, credential.Kinds())
	if no != nil {
		return nil, no
	}
	tok, h, no := get(v.r.Context(), credential, kind)
	if no != nil {
		return nil, no
	}
	if no := v.still(name, clients.Get, v.identify); no != nil {
		return nil, no
	}
	tok.RefreshIn, tok.Fingerprint, tok.Kind = h.refreshIn(), h.Token.Fingerprint(), kind
	return encoded(tok), nil
}

// kindOf reads ?kind=. Other parameters are not read.
func kindOf(query string, kinds []Kind) (Kind, *refusal) {
	if query == "" {
		return kinds[0], nil
	}
	values, err := url.ParseQuery(query)
	asked := values["kind"]
	switch {
	case err != nil || len(asked) > 1:
		return "", badRequest("the query of the URL is malformed, or has kind twice")
	case len(asked) == 0:
		return kinds[0], nil
	case len(kinds) == 1:
		return "", badRequest("this credential has one kind of token: leave kind out")
	case !slices.Contains(kinds, Kind(asked[0])):
		return "", badRequest("kind has to be " + words(kinds) + "; without it, it is the first")
	}
	return Kind(asked[0]), nil
}

// words are kinds for people: tenant or app.
func words(kinds []Kind) string {
	var all []string
	for _, kind := range kinds {
		all = append(all, string(kind))
	}
	return strings.Join(all, " or ")
}

// get returns the part of an answer that all endpoints have.
func get(ctx context.Context, credential Credential, kind Kind) (tok answered, h Handout, no *refusal) {
	h, ok := credential.Peek()
	if !ok {
		if h, no = waitFor(ctx, credential); no != nil {
			return answered{}, h, no
		}
	}
	tok = answered{AccessToken: kind.of(h.Token), TokenType: "Bearer", ExpiresIn: h.expiresIn()}
	switch {
	case tok.AccessToken == "":
		return answered{}, h, noneOfKind
	case tok.ExpiresIn < 1: // and not 0, which some clients take for: never
		return answered{}, h, atItsEnd
	}
	return tok, h, nil
}

func waitFor(ctx context.Context, credential Credential) (Handout, *refusal) {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	h, err := credential.Get(ctx)
	if err != nil {
		return Handout{}, refusalOf(err)
	}
	return h, nil
}

// encoded makes JSON of a body of ours, of which all can be encoded.
func encoded(body any) []byte {
	text, _ := json.Marshal(body)
	return text
}
