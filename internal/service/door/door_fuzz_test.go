package door_test

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// documented are all that the package's page names.
var documented = []int{200, 400, 401, 403, 404, 405, 413, 415, 421, 429, 502, 503}

// FuzzDoor sends what somebody may write to the socket.
func FuzzDoor(f *testing.F) {
	host := "Host: localhost\r\n"
	auth := host + "Authorization: Bearer " + billingSecret + "\r\n"
	form := "Content-Type: application/x-www-form-urlencoded\r\n"
	f.Add("GET", "/v1/tokens/crm?kind=app", auth, "")
	f.Add("GET", "/v1/tokens/crm", host+"Authorization: Bearer SECRET-of-billing-012345678\r\n", "")
	f.Add("HEAD", "/v1/tokens/m2m", host, "")
	f.Add("POST", "/v1/tokens/crm/reject", auth+"Content-Type: application/json\r\n", `{"access_token":"x"}`)
	f.Add("POST", "/oauth2/token", host+form, grantOnly+"&client_id=billing&client_secret="+billingSecret)
	f.Add("POST", "/oauth2/token", host+form+"Authorization: Basic YmlsbGluZzpTRUNSRVQ=\r\n", grantOnly+"&scope=crm:app")
	f.Add("POST", "/oauth2/token?x", host+form, "%")
	f.Add("CONNECT", "localhost:80", host, "")
	f.Add("OPTIONS", "*", host+"Origin: null\r\n", "")
	s := open(f, usualVault())
	f.Fuzz(func(t *testing.T, method, target, headers, body string) {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(method + " " + target + " HTTP/1.1\r\n" + headers + "\r\n" + body)))
		if err != nil {
			return // net/http answers by itself
		}
		r.Body = http.NoBody
		if body != "" {
			r = r.Clone(t.Context())
			r.Body, r.ContentLength = httptest.NewRequest("POST", "/", strings.NewReader(body)).Body, -1
		}
		w := s.answer(r)
		s.forget()
		assert.Contains(t, documented, w.Code)
		assert.True(t, json.Valid(w.Body.Bytes()), "%s", w.Body)
		assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
		if !knowsASecret(r, body) {
			require.NotEqual(t, http.StatusOK, w.Code)
			checkNothingShown(t, w)
		}
		if w.Code != http.StatusOK {
			checkNothingShown(t, w)
		}
	})
}

// knowsASecret reports whether one is in a header or in the body, however it is written there.
func knowsASecret(r *http.Request, body string) bool {
	said := append(slices.Clone(r.Header["Authorization"]), body)
	for _, text := range said {
		if plain, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text[min(len(text), len("Basic ")):])); err == nil {
			said = append(said, string(plain))
		}
	}
	for _, text := range said {
		if plain, err := url.QueryUnescape(text); err == nil {
			said = append(said, plain)
		}
	}
	all := strings.Join(said, "\n")
	return strings.Contains(all, billingSecret) || strings.Contains(all, reportsSecret) || strings.Contains(all, readerSecret)
}
