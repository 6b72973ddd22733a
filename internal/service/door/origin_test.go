package door_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
)

// arrivedAt is the address of the listener.
func arrivedAt(address net.Addr) change {
	return func(r *http.Request) {
		*r = *r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, address))
	}
}

func TestHost(t *testing.T) {
	loopback := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8081}
	beyond := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 5), Port: 8081}
	s := open(t, usualVault())
	for name, wants := range map[string]struct{ atLoopback, atOther bool }{
		"localhost":              {true, true},
		"localhost:8081":         {true, true},
		"LocalHost.":             {true, true},
		"127.0.0.1":              {true, true},
		"127.0.0.1:8081":         {true, true},
		"127.1.2.3:80":           {true, true},
		"[::1]":                  {true, true},
		"[::1]:8081":             {true, true},
		"tokens.example":         {true, true},
		"Tokens.Example:443":     {true, true},
		"10.0.0.5:8081":          {false, true},
		"[fe80::1%25eth0]:8081":  {false, true},
		"[2001:db8::1]:8081":     {false, true},
		"evil.example":           {false, false},
		"localhost.evil.example": {false, false},
		"tokens.example.evil":    {false, false},
		"127.0.0.1.evil.example": {false, false},
		"127.0.0.1.":             {false, false},
		"2130706433":             {false, false},
		"":                       {false, false},
		":8081":                  {false, false},
		"localhost:80:80":        {false, false},
		"user@localhost":         {false, false},
	} {
		for _, c := range []struct {
			at    change
			takes bool
		}{
			{arrivedAt(loopback), wants.atLoopback},
			{arrivedAt(beyond), wants.atOther},
			{func(*http.Request) {}, wants.atLoopback}, // a listener that nobody knows is taken for loopback
			{arrivedAt(&net.UnixAddr{Name: "/run/tokens.sock", Net: "unix"}), true},
			{func(r *http.Request) { r.TLS = &tls.ConnectionState{} }, true},
		} {
			w := s.get("/v1/tokens/crm", bearer(billingSecret), host(name), c.at)
			if c.takes {
				assert.Equal(t, http.StatusOK, w.Code, name)
			} else {
				refused(t, w, http.StatusMisdirectedRequest, "invalid_request")
			}
		}
	}
}

func TestPages(t *testing.T) {
	s := open(t, usualVault())
	for _, change := range []change{
		header("Origin", "http://localhost:8081"), header("Origin", "null"), header("Origin", ""), header("Origin", "https://evil.example"),
		header("Sec-Fetch-Site", "cross-site"), header("Sec-Fetch-Site", "same-site"), header("Sec-Fetch-Site", ""),
		header("Sec-Fetch-Site", "none", "cross-site"),
	} {
		w := s.get("/v1/tokens/crm", bearer(billingSecret), change)
		refused(t, w, http.StatusForbidden, "invalid_request")
		refused(t, s.post("/oauth2/token", grantOnly, basic("billing", billingSecret), change), http.StatusForbidden, "invalid_request")
	}
	for _, site := range []string{"none", "same-origin"} {
		assert.Equal(t, http.StatusOK, s.get("/v1/tokens/crm", bearer(billingSecret), header("Sec-Fetch-Site", site)).Code)
	}
}
