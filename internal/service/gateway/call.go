package gateway

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/onetoken-go/onetoken/internal/service/absence"
	"github.com/onetoken-go/onetoken/internal/service/clients"
)

// call passes a call of an API on.
func (v *visit) call() *refusal { return v.callFor(clients.Call, "") }

// callToSignIn passes one on that is answered with a user's token.
func (v *visit) callToSignIn() *refusal {
	return v.callFor(clients.Call|clients.UserLogin, "user_login")
}

// callFor finds the client by its stand-in, and passes the call on with the app's token. Word names the permission that
// is missing, in the refusal.
func (v *visit) callFor(needs clients.Permission, word string) *refusal {
	text, no := tokenOf(v.r)
	if no != nil {
		return no
	}
	if !isStandIn(text) {
		return v.callAsUser(needs, word)
	}
	table := v.gateway.config.Clients()
	s, who, ok := readStandIn(text, table, time.Now())
	v.use.Client = who.Name()
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
		return mayNot(word, http.StatusForbidden)
	}
	live, no := v.await(credential)
	if no != nil {
		return no
	}
	if live.ID != s.app || !v.mayStill(text, table, needs) {
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

// patience is how long a request waits for a token that is not at hand, and once more for another after a rejection.
const patience = 10 * time.Second

// await returns the app with a token. Only a process in its first moments, or an outage, has it wait.
func (v *visit) await(credential Credential) (Live, *refusal) {
	ctx, cancel := context.WithTimeout(v.r.Context(), patience)
	defer cancel()
	live, err := credential.Live(ctx)
	if err != nil {
		return Live{}, noTokenNow(absence.Of(err))
	}
	return live, nil
}

// mayStill reports whether the stand-in is good by the table that is in force by now: a reload may have taken the right
// away while a token was waited for.
func (v *visit) mayStill(text string, before *clients.Table, needs clients.Permission) bool {
	table := v.gateway.config.Clients()
	if table == before {
		return true
	}
	s, who, ok := readStandIn(text, table, time.Now())
	return ok && who.May(s.credential, needs)
}

// callAsUser passes a call on with the token that it has: a user's, of whom the gateway knows nothing. The client has to
// show who it is by its certificate.
func (v *visit) callAsUser(needs clients.Permission, word string) *refusal {
	who, ok := v.gateway.config.Clients().ByCertificate(v.r.TLS)
	if !ok {
		return foreignToken
	}
	if no := v.enter(who); no != nil {
		return no
	}
	for _, name := range who.Credentials() { // of which any will do: all have one base URL, see package config
		if !who.May(name, clients.Call|clients.UserTokens) {
			return foreignToken
		}
		if !who.May(name, needs) {
			return mayNot(word, http.StatusForbidden)
		}
		if credential, ok := v.find(name); ok {
			return v.forward(credential.App())
		}
	}
	return foreignToken
}
