package tokencache_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// I7: without faults whoever waits has the token, or the error, within 4 round
// trips of the issuer's answer; and the answer is asked for at once.
func TestI7WaitersTimeWithoutFaults(t *testing.T) {
	const trip, latency = 5 * time.Millisecond, 130 * time.Millisecond
	for _, test := range []struct {
		name     string
		replicas int
		fault    feishutest.Fault
	}{
		{"alone", 1, feishutest.Fault{}},
		{"20 replicas", 20, feishutest.Fault{}},
		{"200 replicas", 200, feishutest.Fault{}},
		{"alone, refused", 1, feishutest.WrongSecret()},
		{"20 replicas, refused", 20, feishutest.WrongSecret()},
		{"20 replicas, 500", 20, feishutest.Status(500)},
	} {
		t.Run(test.name, func(t *testing.T) {
			virtual(t, feishutest.Config{Latency: latency}, func(t *testing.T, f *fleet) {
				f.loadScripts()
				f.issuer.FailNext(1, test.fault)
				f.start(test.replicas)
				together(f.replicas, func(r *replica) { // connect, as a running process is
					_, err := r.source.Status(context.Background())
					require.NoError(t, err)
				})
				f.redis.Each(func(l *redistest.Link) { l.Delay(trip) })
				start := time.Now()
				ended := make([]time.Time, test.replicas)
				together(f.replicas, func(r *replica) {
					_, err := r.get(context.Background())
					assert.Equal(t, test.fault.String() == "", err == nil, "%v", err)
					for i := range f.replicas {
						if f.replicas[i] == r {
							ended[i] = time.Now()
						}
					}
				})
				calls := f.issuer.Calls()
				require.Len(t, calls, 1)
				assert.LessOrEqual(t, calls[0].Arrived.Sub(start), 3*trip+time.Microsecond, "read, lock, read")
				for i, at := range ended {
					assert.LessOrEqual(t, at.Sub(calls[0].Answered), 4*trip, "r%d", i)
				}
			})
		})
	}
}

// loadScripts has a replica of another app run all scripts once, and leave.
func (f *fleet) loadScripts() {
	results := []error{errForTest, nil}
	r := f.replica(func(c *replicaConfig) {
		issuer := tokencache.MustCredential(tokencache.CredentialConfig{Issuer: "first", App: "of all"})
		c.fetcher = tokencache.FetchFunc(issuer, func(context.Context) (tokencache.Token, error) {
			err := results[0]
			results = results[1:]
			return tokencache.NewToken("a", "t", time.Hour), err
		})
	})
	_, err := r.source.Get(context.Background())
	require.ErrorIs(f.t, err, errForTest)
	tok, err := r.source.Get(context.Background())
	require.NoError(f.t, err)
	require.NoError(f.t, r.source.Invalidate(context.Background(), tok))
	r.stop()
	f.replicas = nil
}

// I7: and one that starts while the call runs, or after it, waits no longer.
func TestI7LateWaiters(t *testing.T) {
	const trip, latency = 5 * time.Millisecond, 130 * time.Millisecond
	for _, test := range []struct {
		name string
		late time.Duration
		most time.Duration
	}{
		{"as the call begins", 30 * time.Millisecond, latency + 4*trip},
		{"as it ends", 140 * time.Millisecond, 8 * trip},
		{"after it", time.Second, trip},
	} {
		t.Run(test.name, func(t *testing.T) {
			virtual(t, feishutest.Config{Latency: latency}, func(t *testing.T, f *fleet) {
				f.loadScripts()
				first, late := f.replica(), f.replica()
				for _, r := range f.replicas {
					_, err := r.source.Status(context.Background())
					require.NoError(t, err)
				}
				f.redis.Each(func(l *redistest.Link) { l.Delay(trip) })
				done := make(chan struct{})
				go func() {
					first.mustGet()
					close(done)
				}()
				time.Sleep(test.late)
				late.within(test.most)
				<-done
				assert.Equal(t, 1, f.stats().Calls)
				assert.Equal(t, 1, late.count(tokencache.EventWait, ""))
			})
		})
	}
}
