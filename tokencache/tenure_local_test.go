package tokencache_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// F41: a replica waits for another's call, and that fails for want of a way to the issuer, or
// because the issuer does not let that one in. It says nothing of the waiter, which asks a
// second later, and gets a token. A failure that is not the caller's own is its answer.
func TestF41AnothersOwnTroubleIsNoAnswer(t *testing.T) {
	noWay := roundTrip(func(*http.Request) (*http.Response, error) {
		time.Sleep(time.Second)
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errForTest}
	})
	answers := func(fault feishutest.Fault) http.RoundTripper {
		theirs := feishutest.New(feishutest.Config{Latency: time.Second})
		theirs.SetFault(fault)
		return theirs.RoundTripper()
	}
	for edge, test := range map[string]struct {
		call  http.RoundTripper
		local bool
	}{
		"no way to the issuer":       {noWay, true},
		"a proxy that wants to know": {answers(feishutest.Status(http.StatusProxyAuthRequired)), true},
		"not on the allow list":      {answers(feishutest.Refusal(99991401, "ip not allowed")), true},
		"an issuer in trouble":       {answers(feishutest.Status(http.StatusServiceUnavailable)), false},
	} {
		t.Run(edge, func(t *testing.T) {
			virtual(t, usual(), func(t *testing.T, f *fleet) {
				holder, waiters := f.replica(via(test.call)), f.start(5)
				held := holder.getting(t.Context())
				time.Sleep(500 * time.Millisecond)
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				for _, res := range all(ctx, waiters) {
					refused, _ := errors.AsType[*tokencache.IssuerError](res.err)
					if !test.local {
						require.NotNil(t, refused, "%v", res.err)
						assert.LessOrEqual(t, res.took, 600*time.Millisecond)
						continue
					}
					require.NoError(t, res.err)
					assert.LessOrEqual(t, res.took, 500*time.Millisecond+time.Second+latency+time.Second, "the hold is a second")
				}
				res := <-held
				refused, _ := errors.AsType[*tokencache.IssuerError](res.err)
				require.NotNil(t, refused, "%v", res.err)
				assert.Equal(t, test.local, refused.Local)
				if test.local {
					assert.Equal(t, 1, f.stats().Calls, "one of them asked")
				}
			})
		})
	}
}

// F41: one replica cannot reach the issuer, or is not on its list of addresses.
// It is the first to try, but the others have the token soon, and with it the
// one that could not.
func TestF41OneReplicaCannotReachTheIssuer(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault func(f *fleet, req *http.Request) (*http.Response, error)
	}{
		{"DNS", func(*fleet, *http.Request) (*http.Response, error) {
			return nil, &net.DNSError{Err: "no such host", Name: "open.feishu.cn", IsNotFound: true}
		}},
		{"refused", func(*fleet, *http.Request) (*http.Response, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errForTest}
		}},
		{"IP list", func(_ *fleet, req *http.Request) (*http.Response, error) {
			denied := feishutest.New(feishutest.Config{})
			denied.SetFault(feishutest.Refusal(99991401, "ip denied"))
			return denied.RoundTripper().RoundTrip(req)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			virtual(t, feishutest.Config{Latency: 130 * time.Millisecond}, func(t *testing.T, f *fleet) {
				tried := 0
				lonely := f.replica(func(c *replicaConfig) {
					c.through = roundTrip(func(req *http.Request) (*http.Response, error) {
						tried++
						return test.fault(f, req)
					})
				})
				others := f.start(5)
				_, err := lonely.get(context.Background())
				refused, ok := errors.AsType[*tokencache.IssuerError](err)
				require.True(t, ok, "%v", err)
				assert.True(t, refused.Local)
				time.Sleep(time.Millisecond)
				together(others, func(r *replica) { r.within(2 * time.Second) })
				time.Sleep(10 * time.Second) // a cold one looks again every 5 s
				lonely.within(0)

				defer lonely.run()() // so that it goes first
				before := tried
				f.readAtOnce(f.replicas, time.Second, 12*time.Hour)
				stats := f.stats()
				assert.Equal(t, stats.Rotations, stats.Calls)
				assert.GreaterOrEqual(t, stats.Rotations, 12/2)
				assert.Greater(t, tried, before)
				// 3 to 5 min before the others begin, at most 30 s apart once doubled.
				assert.LessOrEqual(t, tried, stats.Rotations*25)
			})
		})
	}
}

// F41: with nobody else to help, such a replica keeps to its own backoff, however
// often it looks whether there is help.
func TestF41AloneKeepsToItsBackoff(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault feishutest.Fault
		tries [2]int // in 10 min
	}{
		{"reset", feishutest.Reset(), [2]int{20, 28}},
		{"IP list", feishutest.Refusal(99991401, "ip denied"), [2]int{4, 4}},
	} {
		t.Run(test.name, func(t *testing.T) {
			virtual(t, feishutest.Config{}, func(t *testing.T, f *fleet) {
				r := f.replica()
				f.issuer.SetFault(test.fault)
				end := time.Now().Add(10 * time.Minute)
				for time.Now().Before(end) {
					_, err := r.get(context.Background())
					assert.Error(t, err)
					time.Sleep(time.Second)
				}
				assert.GreaterOrEqual(t, f.stats().Refused, test.tries[0])
				assert.LessOrEqual(t, f.stats().Refused, test.tries[1])
			})
		})
	}
}

// Containers behind one host name are as many replicas. What none of them gets through is
// everybody's trouble, and what one restarts with is not another's.
func TestF41ReplicasOfOneName(t *testing.T) {
	for _, test := range []struct {
		name  string
		named func(i int) string
	}{
		{"one name", func(int) string { return "container" }},
		{"names of their own", func(i int) string { return fmt.Sprint("container ", i) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			virtual(t, feishutest.Config{}, func(t *testing.T, f *fleet) {
				for i := range 60 {
					f.replica(func(c *replicaConfig) { c.cache.Replica = test.named(i) })
				}
				f.issuer.SetFault(feishutest.Reset()) // no answer: Local
				minutes := [3]int{}
				for i := range minutes {
					before, end := f.stats().Refused, time.Now().Add(time.Minute)
					together(f.replicas, func(r *replica) {
						for time.Now().Before(end) {
							ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
							_, err := r.source.Get(ctx)
							cancel()
							assert.Error(t, err)
							time.Sleep(time.Second)
						}
					})
					minutes[i] = f.stats().Refused - before
				}
				t.Log(minutes)
				assert.LessOrEqual(t, minutes[0], 25, "a second apart, until more than 3 have met it, then doubling to 30 s")
				assert.LessOrEqual(t, minutes[1], 4, "one each 30 s")
				assert.LessOrEqual(t, minutes[2], 4)
				assert.Positive(t, minutes[2], "and the issuer is not given up")
			})
		})
	}
}
