package lookalike

import (
	"context"
	"time"
)

// Decide has a call decided when the latency is over. A timer decides, whether or not the client is
// still there, as a real issuer does not notice either. The error is that of ctx.
func Decide(ctx context.Context, latency time.Duration, decide func() Reply) (Reply, error) {
	if latency <= 0 {
		return decide(), nil
	}
	decided := make(chan Reply, 1)
	time.AfterFunc(latency, func() { decided <- decide() })
	select {
	case rep := <-decided:
		return rep, nil
	case <-ctx.Done():
		return Reply{}, ctx.Err()
	}
}
