package gateway

import (
	"context"
	"net/http"
	"strings"

	"github.com/onetoken-go/onetoken/internal/service/absence"
	"github.com/onetoken-go/onetoken/internal/service/clients"
)

// call passes a call of an API on.
func (v *visit) call() *refusal { return v.callFor(clients.Call, "") }

// callToSignIn passes one on that is answered with a user's token.
func (v *visit) callToSignIn() *refusal {
	return v.callFor(clients.Call|clients.UserLogin, "user_login")
}

// callFor puts the token in the stand-in's place. Word is for a client who has no such permission.
func (v *visit) callFor(needs clients.Permission, word string) *refusal {
	text, no := tokenOf(v.r)
	if no != nil {
		return no
	}
	if !isStandIn(text) {
		return v.callAsUser(needs, word)
	}
	s, who, ok := readStandIn(text, v.table, v.now)
	if !ok {
		return deadToken
	}
	if no := v.enter(who); no != nil {
		return no
	}
	credential, ok := v.find(s.credential)
	if !ok || !who.May(s.credential, clients.Call) {
		return deadToken
	}
	if !who.May(s.credential, needs) {
		return mayNot(word)
	}
	live, no := v.await(credential)
	if no != nil {
		return no
	}
	if !v.still(text, needs) {
		return deadToken
	}
	return v.forwardWith(live, s.kind)
}

// tokenOf is what a request has as a token.
func tokenOf(r *http.Request) (string, *refusal) {
	given := r.Header["Authorization"]
	if len(given) == 0 {
		return "", noToken
	}
	scheme, token, _ := strings.Cut(given[0], " ")
	if token = strings.Trim(token, " "); len(given) > 1 || !strings.EqualFold(scheme, "bearer") || token == "" {
		return "", badFormat
	}
	return token, nil
}

// await returns the app with a token, which is at hand but in a process' first moments.
func (v *visit) await(credential Credential) (Live, *refusal) {
	ctx, cancel := context.WithTimeout(v.r.Context(), Patience)
	defer cancel()
	live, err := credential.Live(ctx)
	if err != nil {
		return Live{}, without(absence.Of(err))
	}
	return live, nil
}

// still reports whether the stand-in is good yet: a reload may have ended it while a token was waited for.
func (v *visit) still(text string, needs clients.Permission) bool {
	now := v.gateway.config.Clients()
	if now == v.table {
		return true
	}
	v.table = now
	s, who, ok := readStandIn(text, now, v.now)
	return ok && who.May(s.credential, needs)
}

// callAsUser passes a call on with the token that it has: the user's, of whom the gateway knows nothing. The client
// has to show who it is by its certificate.
func (v *visit) callAsUser(needs clients.Permission, word string) *refusal {
	who, ok := v.table.ByCertificate(v.r.TLS)
	if !ok {
		return foreignToken
	}
	if no := v.enter(who); no != nil {
		return no
	}
	for _, name := range who.Credentials() { // all have one base URL: see package config
		if !who.May(name, clients.Call|clients.UserTokens) {
			break
		}
		if !who.May(name, needs) {
			return mayNot(word)
		}
		if credential, ok := v.find(name); ok {
			return v.forward(credential.App())
		}
	}
	return foreignToken
}
