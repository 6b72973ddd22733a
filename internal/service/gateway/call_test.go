package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/internal/service/gateway"
)

// The API gets what the client has sent, with the app's token in the stand-in's place.
func TestCall(t *testing.T) {
	s := open(t)
	g := s.call(http.MethodPost, messagesPath+"?receive_id_type=chat_id&x=a%2Fb;c", s.standIn(), `{"receive_id":"x"}`)
	assert.Equal(t, 200, g.status)
	assert.JSONEq(t, `{"code":0,"msg":"success"}`, g.body)
	got := s.api.last(t)
	assert.Equal(t, "POST", got.method)
	assert.Equal(t, messagesPath+"?receive_id_type=chat_id&x=a%2Fb;c", got.uri)
	assert.Equal(t, strings.TrimPrefix(s.api.URL, "http://"), got.host)
	assert.Equal(t, "t-REAL-token-cli_crm-1", got.token)
	assert.Equal(t, `{"receive_id":"x"}`, got.body)
	assert.Equal(t, gateway.Use{Client: "bot", Credential: "crm", Status: 200}, s.lastUse())

	both := s.ask(appPath, "cli_crm", botSecret)
	s.call(http.MethodGet, "/open-apis/x/", both.App, "")
	assert.Equal(t, "a-REAL-token-cli_crm-1", s.api.last(t).token)
	assert.Equal(t, "/open-apis/x/", s.api.last(t).uri)

	erp := s.ask(tenantPath, "cli_erp", noteSecret)
	s.call(http.MethodDelete, "/open-apis/x", erp.Tenant, "")
	assert.Equal(t, "t-REAL-token-cli_erp-1", s.api.last(t).token)
	assert.Len(t, s.api.requests(), 3)
}

// A base URL may have a path, and encoded parts stay as they are.
func TestBaseURLWithPath(t *testing.T) {
	s := open(t)
	s.vault["crm"].(*app).base += "/a%20b/c"
	s.call(http.MethodGet, "/open-apis/sheets/v2/x!A1%3AB2/%E6%88%91%20%25", s.standIn(), "")
	assert.Equal(t, "/a%20b/c/open-apis/sheets/v2/x!A1%3AB2/%E6%88%91%20%25", s.api.last(t).uri)
}
