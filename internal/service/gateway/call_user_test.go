package gateway_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/internal/service/clients"
	"github.com/onetoken-go/onetoken/internal/service/gateway"
)

// showing has the requests that follow come with a certificate that the listener has verified.
func (s *stage) showing(name string) {
	next := s.Config.Handler
	shown := &x509.Certificate{DNSNames: []string{name}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{shown}, VerifiedChains: [][]*x509.Certificate{{shown}}}
		next.ServeHTTP(w, r)
	}))
	s.t.Cleanup(s.Server.Close)
}

// A user's token is passed on as it is for a client that may, and has shown a certificate.
func TestUserTokens(t *testing.T) {
	with := func(may clients.Permission) []clients.Client {
		return []clients.Client{{Name: "portal", Secrets: secrets("secret-of-portal-012345"), SANs: []string{"portal.example"}, Credentials: []string{"crm"}, May: may, Rate: 1000}}
	}
	may := clients.Call | clients.UserTokens
	s := open(t)
	s.admit(with(may)...)
	assert.Equal(t, 99991663, s.call(http.MethodGet, "/open-apis/x", "u-somebody", "").Code, "without a certificate")

	s.showing("portal.example")
	r := s.request(http.MethodGet, "/open-apis/authen/v1/user_info", "u-somebody", "")
	r.Header.Set("Accept-Encoding", "br")
	r.Header.Set("Cookie", "a=b")
	assert.Equal(t, 0, s.send(r).Code)
	got := s.api.last(t)
	assert.Equal(t, "u-somebody", got.token)
	assert.Equal(t, "br", got.header.Get("Accept-Encoding"))
	assert.Empty(t, got.header.Get("Cookie"))
	assert.Equal(t, gateway.Use{Client: "portal", Credential: "crm", Status: 200}, s.lastUse())

	s.api.rejects("u-somebody")
	assert.Equal(t, 99991663, s.call(http.MethodGet, "/open-apis/x", "u-somebody", "").Code, "the API's answer")
	assert.Len(t, s.api.requests(), 2, "once: it is not the app's token")
	assert.Empty(t, s.vault["crm"].(*app).invalidated)

	assert.Equal(t, 403, s.call(http.MethodPost, "/open-apis/authen/v1/oidc/access_token", "u-somebody", "{}").status, "that needs user_login besides")
	standIn := s.ask(tenantPath, "cli_crm", "secret-of-portal-012345")
	assert.Equal(t, 0, s.call(http.MethodGet, "/open-apis/x", standIn.Tenant, "").Code, "by its secret it calls as others do")
	assert.Equal(t, "t-REAL-token-cli_crm-1", s.api.last(t).token)

	before := len(s.api.requests())
	s.admit(with(clients.Call)...)
	assert.Equal(t, 99991663, s.call(http.MethodGet, "/open-apis/x", "u-somebody", "").Code, "it may not")
	s.admit(with(may)...)
	delete(s.vault, "crm")
	assert.Equal(t, 99991663, s.call(http.MethodGet, "/open-apis/x", "u-somebody", "").Code, "its credential is gone")
	s.showing("another.example")
	assert.Equal(t, 99991663, s.call(http.MethodGet, "/open-apis/x", "u-somebody", "").Code, "nobody's certificate")
	assert.Len(t, s.api.requests(), before)
}
