//go:build unix

package chaos

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

// desk stands in front of the issuer and sees who asks.
type desk struct {
	*feishutest.Issuer
	url   string
	asked chan int // places, as their requests arrive
}

func newDesk(t *testing.T) *desk {
	d := &desk{
		Issuer: feishutest.New(feishutest.Config{Life: life, Window: window, Latency: latency}),
		asked:  make(chan int, 1),
	}
	server := httptest.NewServer(d)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	d.url = server.URL
	return d
}

// ServeHTTP tells of a request before the issuer sees it, if somebody wants to know.
func (d *desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if place, err := strconv.Atoi(r.Header.Get(placeHeader)); err == nil {
		select {
		case d.asked <- place:
		default:
		}
	}
	d.Issuer.ServeHTTP(w, r)
}

// forget makes the next to be heard of one that is yet to come.
func (d *desk) forget() {
	select {
	case <-d.asked:
	default:
	}
}
