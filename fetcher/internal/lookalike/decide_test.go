package lookalike_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/internal/lookalike"
)

// Whether or not the client waits, a call is decided once, when its latency is over.
func TestDecide(t *testing.T) {
	for _, c := range []struct {
		edge              string
		latency, patience time.Duration
		err               error
	}{
		{"at once", 0, time.Second, nil},
		{"in time", time.Second, 2 * time.Second, nil},
		{"the client has gone", 2 * time.Second, time.Second, context.DeadlineExceeded},
	} {
		t.Run(c.edge, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				var decided []time.Duration
				ctx, cancel := context.WithTimeout(t.Context(), c.patience)
				defer cancel()
				_, err := lookalike.Decide(ctx, c.latency, func() lookalike.Reply {
					decided = append(decided, time.Since(begin))
					return lookalike.Text(200, "ok")
				})
				require.ErrorIs(t, err, c.err)
				assert.Equal(t, min(c.latency, c.patience), time.Since(begin))
				time.Sleep(time.Hour)
				synctest.Wait()
				assert.Equal(t, []time.Duration{c.latency}, decided)
			})
		})
	}
}
