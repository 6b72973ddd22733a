package door_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/internal/service/clients"
	"github.com/onetoken-go/onetoken/internal/service/door"
	"github.com/onetoken-go/onetoken/internal/service/peer"
)

const (
	endpoint  = "/oauth2/token"
	grantOnly = "grant_type=client_credentials"
)

// asReports is a form of the client with two credentials.
func asReports(more string) string {
	return grantOnly + "&client_id=reports&client_secret=" + url.QueryEscape(reportsSecret) + more
}

func TestGrant(t *testing.T) {
	s := open(t, usualVault())
	w := s.post(endpoint, grantOnly, basic("billing", billingSecret))
	assert.Equal(t, http.StatusOK, w.Code)
	assert.Equal(t, `{"access_token":"t-TOKEN-tenant","token_type":"Bearer","expires_in":5990,"scope":"crm"}`, w.Body.String())
	assert.Equal(t, door.Use{Client: "billing", Way: clients.Secret, Credential: "crm", Action: door.Get, Status: 200}, s.lastUse(t))
}

func TestGrantIsGivenHowever(t *testing.T) {
	s := open(t, usualVault())
	for name, r := range map[string]*http.Request{
		"Basic, escaped, as x/oauth2 does it":   request(endpoint, grantOnly+"&scope=crm", basic("reports", url.QueryEscape(reportsSecret))),
		"Basic, plain, as curl does it":         request(endpoint, grantOnly+"&scope=crm", basic("reports", reportsSecret)),
		"Basic, and the name in the body":       request(endpoint, grantOnly+"&scope=crm&client_id=reports", basic("reports", reportsSecret)),
		"in the body":                           request(endpoint, asReports("&scope=crm")),
		"with parameters that nobody knows":     request(endpoint, asReports("&scope=crm&audience=x&resource=y")),
		"with parameters without a value":       request(endpoint, asReports("&scope=crm&audience=")),
		"Basic, and an empty secret":            request(endpoint, grantOnly+"&client_secret=", basic("billing", billingSecret)),
		"an empty scope is none":                request(endpoint, grantOnly+"&scope=", basic("billing", billingSecret)),
		"a media type with parameters":          request(endpoint, grantOnly, basic("billing", billingSecret), header("Content-Type", "application/x-www-form-urlencoded;charset=UTF-8")),
		"the media type in capitals, as it may": request(endpoint, grantOnly, basic("billing", billingSecret), header("Content-Type", "Application/X-WWW-Form-Urlencoded")),
	} {
		w := s.answer(r)
		assert.Equal(t, http.StatusOK, w.Code, "%s: %s", name, w.Body)
		assert.Equal(t, tenantToken, fields(t, w)["access_token"], name)
	}
	r := request(endpoint, grantOnly)
	w := s.answer(r.WithContext(peer.WithPeer(r.Context(), uidOfReader)))
	assert.Equal(t, accessToken, fields(t, w)["access_token"], "by the socket")
	assert.Equal(t, clients.UID, s.lastUse(t).Way)
}

func TestScope(t *testing.T) {
	s := open(t, usualVault())
	for scope, token := range map[string]string{"crm": tenantToken, "crm:tenant": tenantToken, "crm:app": appToken, "m2m": accessToken} {
		got := fields(t, s.post(endpoint, asReports("&scope="+scope)))
		assert.Equal(t, token, got["access_token"], scope)
		assert.Equal(t, scope, got["scope"])
	}
	for _, scope := range []string{"", "crm m2m", "+crm", "crm:", "crm:access", "crm:app:app", "crm:APP", "m2m:access", "m2m:"} {
		refused(t, s.post(endpoint, asReports("&scope="+scope)), http.StatusBadRequest, "invalid_scope")
	}
	for _, scope := range []string{"secret", "unknown", "gone", ":", ":app", "%00", "SECRET"} {
		refused(t, s.post(endpoint, asReports("&scope="+scope)), http.StatusForbidden, "access_denied")
	}
}

func TestGrantIsRefused(t *testing.T) {
	s := open(t, usualVault())
	by := basic("billing", billingSecret)
	for name, c := range map[string]struct {
		request *http.Request
		code    string
	}{
		"no grant_type":              {request(endpoint, "x=y", by), "invalid_request"},
		"an empty grant_type":        {request(endpoint, "grant_type=", by), "invalid_request"},
		"another grant_type":         {request(endpoint, "grant_type=password", by), "unsupported_grant_type"},
		"a parameter twice":          {request(endpoint, grantOnly+"&scope=crm&scope=crm", by), "invalid_request"},
		"an unknown parameter twice": {request(endpoint, grantOnly+"&x=&x=", by), "invalid_request"},
		"Basic and body":             {request(endpoint, asReports(""), basic("reports", reportsSecret)), "invalid_request"},
		"Basic and body, both wrong": {request(endpoint, grantOnly+"&client_secret=x", basic("x", "SECRET")), "invalid_request"},
		"a broken escape":            {request(endpoint, grantOnly+"&x=%zz", by), "invalid_request"},
		"parameters in the URL":      {request(endpoint+"?scope=crm", grantOnly, by), "invalid_request"},
		"the secret in the URL":      {request(endpoint+"?client_secret="+billingSecret+"&client_id=billing", grantOnly), "invalid_request"},
		"two media types":            {request(endpoint, grantOnly, by, header("Content-Type", "a/b, c/d")), ""},
		"no media type":              {request(endpoint, grantOnly, by, header("Content-Type")), ""},
		"JSON":                       {request(endpoint, `{"grant_type":"client_credentials"}`, by), ""},
	} {
		w := s.answer(c.request)
		if c.code == "" {
			refused(t, w, http.StatusUnsupportedMediaType, "invalid_request")
		} else {
			refused(t, w, http.StatusBadRequest, c.code)
		}
		assert.Equal(t, w.Code, s.lastUse(t).Status, name)
	}
}

// Whoever is no client gets one answer, whatever it is that is wrong.
func TestOneAnswerForWhoIsNoClient(t *testing.T) {
	s := open(t, usualVault())
	var bodies []string
	for name, r := range map[string]*http.Request{
		"nothing":                    request(endpoint, grantOnly),
		"a wrong secret":             request(endpoint, grantOnly, basic("billing", "SECRET-that-is-wrong")),
		"another's secret":           request(endpoint, grantOnly, basic("billing", reportsSecret)),
		"a wrong name":               request(endpoint, grantOnly, basic("nobody", billingSecret)),
		"a wrong secret in the body": request(endpoint, grantOnly+"&client_id=billing&client_secret=SECRET"),
		"a name alone":               request(endpoint, grantOnly+"&client_id=billing"),
		"Bearer":                     request(endpoint, grantOnly, bearer(billingSecret)),
		"a scope of nobody's":        request(endpoint, grantOnly+"&scope=unknown", basic("billing", "SECRET")),
		"another grant":              request(endpoint, "grant_type=password", basic("billing", "SECRET")),
		"a peer of nobody's":         request(endpoint, grantOnly, within(peer.WithPeer(t.Context(), 7))),
		"64 KiB of a secret":         request(endpoint, grantOnly+"&client_id=billing&client_secret="+strings.Repeat("s", 60<<10)),
	} {
		w := s.answer(r)
		refused(t, w, http.StatusUnauthorized, "invalid_client")
		assert.Equal(t, `Basic realm="onetoken", charset="UTF-8"`, w.Header().Get("WWW-Authenticate"), name)
		assert.Equal(t, door.Use{Action: door.Get, Status: 401, Error: "invalid_client"}, s.lastUse(t), name)
		bodies = append(bodies, w.Body.String())
	}
	for _, body := range bodies {
		assert.Equal(t, bodies[0], body)
	}
}
