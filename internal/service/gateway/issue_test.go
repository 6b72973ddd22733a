package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/internal/service/clients"
	"github.com/onetoken-go/onetoken/internal/service/gateway"
)

func TestTokenEndpoints(t *testing.T) {
	s := open(t)
	tenant := s.ask(tenantPath, "cli_crm", botSecret)
	assert.Equal(t, 200, tenant.status)
	assert.Equal(t, "ok", tenant.Msg)
	assert.True(t, strings.HasPrefix(tenant.Tenant, "ot1."), tenant.body)
	assert.Empty(t, tenant.App)
	assert.GreaterOrEqual(t, tenant.Expire, int64(1800))
	assert.LessOrEqual(t, tenant.Expire, int64(7200))
	assert.Equal(t, "no-store", tenant.header.Get("Cache-Control"))
	assert.Equal(t, gateway.Use{Client: "bot", Credential: "crm", Status: 200}, s.lastUse())

	both := s.ask(appPath, "crm", botSecret)
	assert.Equal(t, tenant.Tenant, both.Tenant, "by the credential's name it is the same")
	assert.True(t, strings.HasPrefix(both.App, "ot1."))
	assert.NotEqual(t, both.App, both.Tenant)
	assert.Empty(t, s.api.requests(), "nobody was asked")

	previous := s.ask(tenantPath, "cli_crm", oldSecret)
	assert.Equal(t, 0, previous.Code)
	assert.NotEqual(t, tenant.Tenant, previous.Tenant, "it dies with the secret that it was got by")
}

// To whoever is refused the same steps lead to the same text.
func TestWrongSecrets(t *testing.T) {
	s := open(t)
	var bodies []string
	for name, c := range map[string][2]string{
		"nobody's":           {"cli_crm", "secret-of-nobody-0123456"},
		"the app's own":      {"cli_crm", appSecret},
		"another client's":   {"cli_erp", botSecret},
		"no such app":        {"cli_none", botSecret},
		"another's app":      {"erp", botSecret},
		"none":               {"cli_crm", ""},
		"no app":             {"", botSecret},
		"the client's name":  {"bot", botSecret},
		"in other case":      {"CLI_CRM", botSecret},
		"a stand-in's words": {"crm/tenant", botSecret},
	} {
		g := s.ask(tenantPath, c[0], c[1])
		assert.Equal(t, 200, g.status, name)
		assert.Equal(t, 10014, g.Code, name)
		assert.Equal(t, "wrong secret or app", s.lastUse().Refused, name)
		bodies = append(bodies, g.body)
	}
	for _, body := range bodies {
		assert.Equal(t, bodies[0], body)
	}
	assert.Empty(t, s.api.requests())
}

func TestMalformedTokenRequests(t *testing.T) {
	s := open(t)
	for _, body := range []string{"", "{", "[]", "null", `"x"`, `{"app_id":1,"app_secret":"x"}`, `{"app_id":"` + strings.Repeat("x", 64<<10) + `"}`} {
		g := s.call(http.MethodPost, tenantPath, "", body)
		assert.Equal(t, 200, g.status)
		if body == "null" {
			assert.Equal(t, 10014, g.Code, "an object without anything")
			continue
		}
		assert.Equal(t, 10003, g.Code, "%.20s", body)
	}
	g := s.call(http.MethodGet, tenantPath, "", "")
	assert.Equal(t, 405, g.status)
	assert.Equal(t, "POST", g.header.Get("Allow"))
	r := s.request(http.MethodPost, tenantPath, "", `{"app_id":"cli_crm","app_secret":"`+botSecret+`"}`)
	r.Header.Set("Content-Encoding", "gzip")
	assert.Equal(t, 10003, s.send(r).Code)
}

// The endpoints of store apps, and whatever else there may be, hand out nothing.
func TestOtherTokenEndpoints(t *testing.T) {
	s := open(t)
	standIn := s.standIn()
	for _, path := range []string{
		"/open-apis/auth/v3/tenant_access_token", "/open-apis/auth/v3/app_access_token", "/open-apis/auth/v3/tenant_access_token/",
		"/open-apis/auth/", "/open-apis/AUTH/v3/app_access_token", "/open-apis/auth/v4/x", "/open-apis/%61uth/v3/app_access_token",
	} {
		g := s.call(http.MethodPost, path, standIn, `{}`)
		assert.Equal(t, 403, g.status, path)
	}
	assert.Empty(t, s.api.requests())
}

// Clients above their rate are told so in the API's words, and when to come again.
func TestRate(t *testing.T) {
	s := open(t, clients.Client{Name: "slow", Secrets: secrets("secret-of-slow-012345678"), Credentials: []string{"crm"}, May: clients.Call, Rate: 0.001})
	first := s.ask(tenantPath, "cli_crm", "secret-of-slow-012345678")
	assert.Equal(t, 0, first.Code)
	for _, g := range []got{
		s.ask(tenantPath, "cli_crm", "secret-of-slow-012345678"),
		s.call(http.MethodGet, "/open-apis/x", first.Tenant, ""),
	} {
		assert.Equal(t, 429, g.status)
		assert.Equal(t, 99991400, g.Code)
		assert.NotEmpty(t, g.header.Get("Retry-After"))
		assert.Equal(t, g.header.Get("Retry-After"), g.header.Get("X-Ogw-Ratelimit-Reset"))
		assert.Equal(t, gateway.Use{Client: "slow", Status: 429, Refused: "rate"}, s.lastUse())
	}
}
