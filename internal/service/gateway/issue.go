package gateway

import (
	"encoding/json"
	"io"
	"net/http"

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
	body, ok := v.body()
	if !ok || json.Unmarshal(body, &asked) != nil {
		return invalidParams
	}
	who, name, no := v.admit(asked.ID, asked.Secret, wrongSecret)
	if no != nil {
		return no
	}
	given := issued{Msg: "ok"}
	standIn := newStandIn(who.Name(), name, bearer.Tenant, v.now)
	given.Tenant, ok = standIn.write(who)
	if !ok {
		return wrongSecret
	}
	given.Expire = standIn.left(v.now)
	if withApp {
		standIn.kind = bearer.App
		given.App, _ = standIn.write(who)
	}
	v.tell(http.StatusOK)
	v.w.Header().Set("Content-Type", "application/json; charset=utf-8")
	v.w.Header().Set("Cache-Control", "no-store")
	answer(v.w, http.StatusOK, given)
	return nil
}

// admit finds the client by its secret, and which of its credentials it means by an app's id, or by the
// credential's name. Whatever is wrong, the answer is one.
func (v *visit) admit(id, secret string, wrong *refusal) (who clients.Identity, name string, no *refusal) {
	who, ok := v.table.BySecret(secret)
	if !ok {
		return who, "", wrong
	}
	if no := v.enter(who); no != nil {
		return who, "", no
	}
	for _, name := range who.Credentials() {
		credential, ok := v.gateway.config.Vault.Find(name)
		if ok && who.May(name, clients.Call) && (id == name || id == credential.AppID()) {
			v.use.Credential = name
			return who, name, nil
		}
	}
	return who, "", wrong
}

// longestBody is of those that the gateway reads itself.
const longestBody = 64 << 10

// body is not ok if it is too long, compressed, or did not arrive.
func (v *visit) body() (body []byte, ok bool) {
	if v.r.Header.Get("Content-Encoding") != "" {
		return nil, false
	}
	body, err := io.ReadAll(io.LimitReader(v.r.Body, longestBody+1))
	return body, err == nil && len(body) <= longestBody
}
