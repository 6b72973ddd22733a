package gateway

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/onetoken-go/onetoken/fetcher/bearer"
	"github.com/onetoken-go/onetoken/internal/service/clients"
)

// issued is the answer of a token endpoint, in the API's form.
type issued struct {
	Code   int    `json:"code"`
	Msg    string `json:"msg"`
	App    string `json:"app_access_token,omitempty"`
	Tenant string `json:"tenant_access_token"`
	Expire int64  `json:"expire"`
}

// issueTenant answers with a stand-in for a tenant access token.
func (v *visit) issueTenant() *refusal { return v.issue(false) }

// issueApp answers with one for the app access token too, as the API does.
func (v *visit) issueApp() *refusal { return v.issue(true) }

// issue needs no token: whether there is one, the first call of an API shows.
func (v *visit) issue(withApp bool) *refusal {
	if v.r.Method != http.MethodPost {
		return wrongMethod(http.MethodPost)
	}
	var asked struct {
		ID     string `json:"app_id"`
		Secret string `json:"app_secret"`
	}
	body, ok := v.readBody()
	if !ok || json.Unmarshal(body, &asked) != nil {
		return invalidParams
	}
	who, no := v.identify(asked.Secret, wrongSecret)
	if no != nil {
		return no
	}
	name, app, ok := v.appOf(who, asked.ID)
	if !ok {
		return wrongSecret
	}
	now := time.Now()
	standIn := newStandIn(who.Name(), name, app.ID, bearer.Tenant, now)
	given := issued{Msg: "ok", Expire: standIn.left(now)}
	if given.Tenant, ok = standIn.write(who); !ok {
		return wrongSecret
	}
	if withApp {
		standIn.kind = bearer.App
		given.App, _ = standIn.write(who)
	}
	v.audit(http.StatusOK)
	answer(v.w, http.StatusOK, given)
	return nil
}

// identify finds the client by its secret, in the table that is in force once the body has come. Wrong is what it is told
// else.
func (v *visit) identify(secret string, wrong *refusal) (clients.Identity, *refusal) {
	who, ok := v.gateway.config.Clients().BySecret(secret)
	if !ok {
		return who, wrong
	}
	return who, v.enter(who)
}

// appOf finds which of its credentials a client means: by the id of the app that serves, or by the credential's name.
func (v *visit) appOf(who clients.Identity, id string) (name string, app App, ok bool) {
	for _, name := range who.Credentials() {
		credential, ok := v.gateway.config.Vault.Find(name)
		if !ok || !who.May(name, clients.Call) {
			continue
		}
		if app := credential.App(); id == name || id == app.ID {
			v.use.Credential = name
			return name, app, true
		}
	}
	return "", App{}, false
}

// longestBody is of those that the gateway reads itself.
const longestBody = 64 << 10

// abort closes the connection at once. Of a panic alone net/http would go on to read the body before it does.
func (v *visit) abort() {
	if conn, _, err := http.NewResponseController(v.w).Hijack(); err == nil {
		_ = conn.Close()
	}
	panic(http.ErrAbortHandler) // which ends a stream of HTTP/2
}

// readBody is not ok if the body is too long, compressed, or did not arrive whole. Whoever has not sent it in time loses the
// connection, without an answer, for which net/http would wait for more of the body.
func (v *visit) readBody() (body []byte, ok bool) {
	if v.r.Header.Get("Content-Encoding") != "" {
		return nil, false
	}
	control := http.NewResponseController(v.w)
	_ = control.SetReadDeadline(time.Now().Add(readingTakes)) // of a test's recorder there is none
	defer control.SetReadDeadline(time.Time{})                //nolint:errcheck // as above
	body, err := io.ReadAll(io.LimitReader(v.r.Body, longestBody+1))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		v.use.Refused = "slow body"
		v.audit(http.StatusRequestTimeout)
		v.abort()
	}
	return body, err == nil && len(body) <= longestBody
}
