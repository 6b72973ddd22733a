package bearer_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/onetoken-go/onetoken/fetcher/bearer"
	"github.com/onetoken-go/onetoken/tokencache/tokencachetest"
)

// BenchmarkRoundTrip is what a call costs beyond the network: "base" alone, and
// with the token sent and the reply looked into.
func BenchmarkRoundTrip(b *testing.B) {
	answer := `{"code":0,"msg":"ok","data":"` + strings.Repeat("x", 4<<10) + `"}`
	base := roundTrip(func(*http.Request) (*http.Response, error) { return reply(200, jsonType, answer), nil })
	source := tokencachetest.New(b).Source(tokencachetest.NewFetcher("cli_test"))
	transport, err := bearer.New(bearer.Config{Source: source, Hosts: []string{host}, Base: base})
	if err != nil {
		b.Fatal(err)
	}
	req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, query, nil)
	if err != nil {
		b.Fatal(err)
	}
	for name, rt := range map[string]http.RoundTripper{"base": base, "bearer": transport} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				resp, err := rt.RoundTrip(req)
				if err != nil {
					b.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
			}
		})
	}
}
