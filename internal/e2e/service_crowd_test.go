//go:build unix

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// tally is what became of a crowd's requests.
type tally struct{ asked, repeated, failed, dead atomic.Int64 }

// crowd asks the services in turn, 200 times a second, until ctx ends: each request once more of the other
// if one does not answer.
func (w *site) crowd(ctx context.Context, ports []int, to *tally) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: 5 * time.Second}
	defer client.CloseIdleConnections()
	var asking sync.WaitGroup
	defer asking.Wait()
	for tick, n := time.Tick(5*time.Millisecond), 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick:
		}
		asking.Go(func() {
			to.asked.Add(1)
			for try := range 2 {
				url := fmt.Sprintf("http://127.0.0.1:%d/v1/tokens/%s", ports[(n+try)%2], credentialName(n%w.apps))
				status, body := ask(context.WithoutCancel(ctx), client, url, clientSecret)
				var h handed
				if status == http.StatusOK && json.Unmarshal([]byte(body), &h) == nil {
					if w.issuer.Remaining(h.Token) <= 0 {
						to.dead.Add(1)
					}
					return
				}
				to.repeated.Add(1)
			}
			to.failed.Add(1)
		})
	}
}
