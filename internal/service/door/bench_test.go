package door_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/onetoken-go/onetoken/internal/service/clients"
)

// discarded is an answer that nobody reads.
type discarded struct {
	header http.Header
	status int
}

func (d *discarded) Header() http.Header         { return d.header }
func (d *discarded) WriteHeader(status int)      { d.status = status }
func (d *discarded) Write(p []byte) (int, error) { return len(p), nil }

// crowd is so large that together it may send more than any processor answers.
func crowd() (list []clients.Client, all []change) {
	for i := range 256 {
		name := fmt.Sprintf("client-%d", i)
		secret := "SECRET-of-" + name + "-0123456789"
		list = append(list, clients.Client{Name: name, Secrets: secrets(secret), Credentials: []string{"crm"}, May: clients.Get, Rate: 100_000})
		all = append(all, bearer(secret))
	}
	return list, all
}

// BenchmarkToken is what the door adds to net/http.
func BenchmarkToken(b *testing.B) {
	list, authorizations := crowd()
	wrong := []change{bearer("SECRET-that-is-wrong")}
	for name, c := range map[string]struct {
		path   string
		by     []change
		status int
	}{
		"handed out": {"/v1/tokens/crm", authorizations, http.StatusOK},
		"of a kind":  {"/v1/tokens/crm?kind=app", authorizations, http.StatusOK},
		"refused":    {"/v1/tokens/crm", wrong, http.StatusUnauthorized},
	} {
		b.Run(name, func(b *testing.B) {
			s := open(b, usualVault(), list...)
			var requests []*http.Request
			for _, by := range c.by {
				requests = append(requests, request(c.path, "", by))
			}
			w := &discarded{header: http.Header{}}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				s.ServeHTTP(w, requests[i%len(requests)])
				s.forget()
				if w.status != c.status {
					b.Fatalf("status %d", w.status)
				}
			}
		})
	}
}

// BenchmarkOverHTTP is a whole request on loopback; Static is the same with a handler that writes as many
// bytes, to compare with.
func BenchmarkOverHTTP(b *testing.B) {
	list, authorizations := crowd()
	s := open(b, usualVault(), list...)
	answer := s.get("/v1/tokens/crm", authorizations[0]).Body.Bytes()
	for name, handler := range map[string]http.Handler{
		"Token":  s,
		"Static": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(answer) }),
	} {
		b.Run(name, func(b *testing.B) {
			server := httptest.NewServer(handler)
			defer server.Close()
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, server.URL+"/v1/tokens/crm", nil)
				if err != nil {
					b.Fatal(err)
				}
				authorizations[i%len(authorizations)](r)
				res, err := server.Client().Do(r)
				if err != nil {
					b.Fatal(err)
				}
				_ = res.Body.Close()
				s.forget()
			}
		})
	}
}
