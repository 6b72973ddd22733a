package page

import (
	"fmt"
	"net/http"
	"testing"
)

// What one look at 500 credentials costs the service, besides asking Redis.
func BenchmarkPageOf500(b *testing.B) {
	v := View{Now: now}
	for i := range 500 {
		v.Credentials = append(v.Credentials, good(fmt.Sprintf("app-%03d", i)))
	}
	p, mux := showing(v)
	b.ReportAllocs()
	for b.Loop() {
		p.look(b.Context()) // else one is drawn for many
		if out := get(mux, "/"); out.Code != http.StatusOK {
			b.Fatal(out.Code)
		}
	}
}
