package tokencache_test

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// spoilt is every way in which the issuer has been seen to answer with no token.
var spoilt = []struct {
	name  string
	fault feishutest.Fault
	class tokencache.Class
	local bool          // may be the caller's own trouble
	takes time.Duration // the answer, beyond the latency
}{
	{"500", feishutest.Status(500), tokencache.ClassTransient, false, 0},
	{"503", feishutest.Status(503), tokencache.ClassTransient, false, 0},
	{"reset", feishutest.Reset(), tokencache.ClassTransient, true, 0},
	{"timeout", feishutest.Timeout(), tokencache.ClassTransient, true, 10 * time.Second},
	{"slow body", feishutest.SlowBody(time.Second), tokencache.ClassTransient, false, 10 * time.Second},
	{"broken body", feishutest.BrokenBody(), tokencache.ClassTransient, false, 0},
	{"endless body", feishutest.EndlessBody(), tokencache.ClassUnknown, false, 0},
	{"HTML", feishutest.HTML(), tokencache.ClassUnknown, false, 0},
	{"empty body", feishutest.EmptyBody(), tokencache.ClassUnknown, false, 0},
	{"unknown code at 200", feishutest.Refusal(77777, "no"), tokencache.ClassUnknown, false, 0},
	{"wrong shape", feishutest.WrongShape(), tokencache.ClassUnknown, false, 0},
	{"expire 0", feishutest.Expire("0"), tokencache.ClassTransient, false, 0},
	{"expire negative", feishutest.Expire("-1"), tokencache.ClassTransient, false, 0},
	{"expire huge", feishutest.Expire("9223372036854775807"), tokencache.ClassTransient, false, 0},
	{"expire beyond any integer", feishutest.Expire("1e300"), tokencache.ClassTransient, false, 0},
	{"expire a string", feishutest.Expire(`"7200"`), tokencache.ClassTransient, false, 0},
	{"expire null", feishutest.Expire("null"), tokencache.ClassTransient, false, 0},
	{"empty token", feishutest.EmptyToken(), tokencache.ClassTransient, false, 0},
}

// F28: whatever the issuer answers instead of a token, a process without a copy
// is told by a classed error, soon, and the next answer heals it.
func TestF28NoTokenForAColdReplica(t *testing.T) {
	for _, test := range spoilt {
		t.Run(test.name, func(t *testing.T) {
			virtual(t, feishutest.Config{Latency: 100 * time.Millisecond}, func(t *testing.T, f *fleet) {
				f.issuer.FailNext(1, test.fault)
				r := f.replica()
				start := time.Now()
				_, err := r.get(context.Background())
				assert.LessOrEqual(t, time.Since(start), 100*time.Millisecond+test.takes)

				refused, ok := errors.AsType[*tokencache.IssuerError](err)
				require.True(t, ok, "%v", err)
				assert.Equal(t, test.class, refused.Class)
				assert.Equal(t, test.local, refused.Local)
				assert.NotEmpty(t, refused.Message)
				assert.Equal(t, "feishu", refused.Issuer)
				assert.Equal(t, 1, r.count(tokencache.EventCall, test.class.String()))

				r.within(10 * time.Second)
				assert.Equal(t, 1, f.stats().Rotations)
				assert.Zero(t, f.count(tokencache.EventDegraded, ""))
			})
		})
	}
}

// F28: and a fleet that has a token keeps it, asks again at the shared pace, and
// is fresh soon after the issuer is.
func TestF28NoTokenInTheWindow(t *testing.T) {
	for _, test := range spoilt {
		t.Run(test.name, func(t *testing.T) {
			virtual(t, feishutest.Config{Latency: 100 * time.Millisecond}, func(t *testing.T, f *fleet) {
				replicas := f.start(5)
				together(replicas, func(r *replica) { r.mustGet() })
				old := replicas[0].within(0)
				time.Sleep(92 * time.Minute)

				f.issuer.SetFault(test.fault)
				f.readAtOnce(replicas, 200*time.Millisecond, 10*time.Minute)
				assert.True(t, replicas[0].within(0).Equal(old))
				f.assertPaced(f.issuer.Calls()[1:], test.class, test.local, test.takes)

				f.issuer.SetFault(feishutest.Fault{})
				f.readAtOnce(replicas, 200*time.Millisecond, 90*time.Second)
				for _, r := range replicas {
					assert.False(t, r.within(0).Equal(old), "%s is fresh again", r.name)
				}
				assert.Equal(t, 2, f.stats().Rotations)
			})
		})
	}
}

// F29: what the issuer says about coming back holds for the whole fleet, cold or
// not, whatever the header looks like.
func TestF29RateLimited(t *testing.T) {
	const own, plain = "X-Ogw-Ratelimit-Reset", "Retry-After"
	inAMinute := func(format func(time.Time) string) func() string {
		return func() string { return format(time.Now().Add(time.Minute).UTC()) }
	}
	value := func(s string) func() string { return func() string { return s } }
	for _, test := range []struct {
		name   string
		header string
		value  func() string
		hold   time.Duration
	}{
		{"own header", own, value("7"), 7 * time.Second},
		{"Retry-After", plain, value("7"), 7 * time.Second},
		{"fraction", own, value("1.5"), 1500 * time.Millisecond},
		{"tiny", own, value("0.001"), 250 * time.Millisecond},
		{"0", own, value("0"), time.Second},
		{"negative", own, value("-5"), time.Second},
		{"no header", "", value(""), time.Second},
		{"no number", own, value("soon"), time.Second},
		{"NaN", own, value("NaN"), time.Second},
		{"infinite", own, value("Inf"), 5 * time.Minute},
		{"huge", own, value("1e400"), time.Second},
		{"an hour", own, value("3600"), 5 * time.Minute},
		{"HTTP date", plain, inAMinute(func(at time.Time) string { return at.Format(http.TimeFormat) }), time.Minute},
		{"epoch in s", own, inAMinute(func(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }), 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			virtual(t, feishutest.Config{Latency: 100 * time.Millisecond}, func(t *testing.T, f *fleet) {
				time.Sleep(30 * 365 * 24 * time.Hour) // a bubble begins in 2000, when epochs were small
				hold := test.hold
				if hold == 0 {
					hold = 59 * time.Second
				}
				f.issuer.FailNext(1, feishutest.RateLimited(test.header, test.value()))
				replicas := f.start(10)
				together(replicas, func(r *replica) {
					_, err := r.get(context.Background())
					if refused, ok := errors.AsType[*tokencache.IssuerError](err); assert.True(t, ok, "%s: %v", r.name, err) {
						assert.Equal(t, tokencache.ClassRateLimited, refused.Class)
					}
				})
				together(replicas, func(r *replica) {
					short, cancel := context.WithTimeout(context.Background(), hold/2)
					defer cancel()
					start := time.Now()
					_, err := r.get(short)
					_, ok := errors.AsType[*tokencache.IssuerError](err)
					assert.True(t, ok, "%s is told what holds it back: %v", r.name, err)
					assert.LessOrEqual(t, time.Since(start), hold/2)
				})
				var last atomic.Int64
				together(replicas, func(r *replica) {
					for range 1000 {
						if _, err := r.get(context.Background()); err == nil {
							last.Store(time.Now().UnixNano())
							return
						}
						time.Sleep(time.Second)
					}
					t.Errorf("%s never got a token", r.name)
				})

				calls := f.issuer.Calls()
				require.Len(t, calls, 2, "one that was refused, and one for all")
				apart := calls[1].Arrived.Sub(calls[0].Answered)
				assert.GreaterOrEqual(t, apart, hold)
				assert.LessOrEqual(t, apart, hold*6/5+7*time.Second)
				if hold < 25*time.Second { // else a Get does not wait for it
					assert.WithinDuration(t, calls[1].Answered, time.Unix(0, last.Load()), 300*time.Millisecond, "none waits longer")
				}
				assert.Equal(t, 0, f.count(tokencache.EventDegraded, ""), "no script minds the number")
			})
		})
	}
}

// F29: the same for a fleet with copies, which nobody notices.
func TestF29RateLimitedInTheWindow(t *testing.T) {
	virtual(t, feishutest.Config{Latency: 100 * time.Millisecond}, func(t *testing.T, f *fleet) {
		replicas := f.start(10)
		together(replicas, func(r *replica) { r.mustGet() })
		time.Sleep(92 * time.Minute)
		f.issuer.FailNext(3, feishutest.RateLimited("x-ogw-ratelimit-reset", "40"))
		f.readAtOnce(replicas, 200*time.Millisecond, 10*time.Minute)

		calls := f.issuer.Calls()
		require.Len(t, calls, 5)
		for i := 2; i < len(calls); i++ {
			apart := calls[i].Arrived.Sub(calls[i-1].Answered)
			assert.GreaterOrEqual(t, apart, 40*time.Second)
			assert.LessOrEqual(t, apart, 50*time.Second, "told, so it does not double")
		}
		assert.True(t, calls[4].Minted)
	})
}

// F30: a wrong secret is asked about on the long backoff by the fleet together,
// every Get is told at once, and by an error that helps.
func TestF30WrongSecret(t *testing.T) {
	const wrong = "not-the-secret"
	virtual(t, feishutest.Config{Latency: 100 * time.Millisecond}, func(t *testing.T, f *fleet) {
		replicas := f.start(20, func(c *replicaConfig) { c.secret = wrong })
		end := time.Now().Add(15 * time.Minute)
		together(replicas, func(r *replica) {
			for time.Now().Before(end) {
				start := time.Now()
				_, err := r.get(context.Background())
				assert.LessOrEqual(t, time.Since(start), 200*time.Millisecond)
				refused, ok := errors.AsType[*tokencache.IssuerError](err)
				if !assert.True(t, ok, "%v", err) {
					return
				}
				assert.Equal(t, tokencache.ClassPermanent, refused.Class)
				assert.Equal(t, 10014, refused.Code)
				assert.NotEmpty(t, refused.LogID)
				assert.Contains(t, err.Error(), refused.LogID)
				assert.Contains(t, err.Error(), "developer console")
				assert.NotContains(t, err.Error(), wrong)
				time.Sleep(time.Second)
			}
		})
		calls := f.issuer.Calls()
		assert.GreaterOrEqual(t, len(calls), 4)
		hold := time.Minute
		for i := 1; i < len(calls); i++ {
			assert.GreaterOrEqual(t, calls[i].Arrived.Sub(calls[i-1].Answered), hold, "call %d", i)
			hold = min(2*hold, 5*time.Minute)
		}
		assert.Zero(t, f.stats().Rotations)
		for _, r := range replicas {
			assert.LessOrEqual(t, r.link.Count(), 15*60/5*2, "%s looks every 5 s, not at each Get", r.name)
		}
	})
}

// F30: and once somebody has mended it in the console, all find out.
func TestF30SecretMendedInTheConsole(t *testing.T) {
	const secret = "soon-to-be-right"
	virtual(t, feishutest.Config{Latency: 100 * time.Millisecond}, func(t *testing.T, f *fleet) {
		replicas := f.start(10, func(c *replicaConfig) { c.secret = secret })
		together(replicas, func(r *replica) {
			_, err := r.get(context.Background())
			assert.Error(t, err)
		})
		f.issuer.SetAppSecret(secret)
		time.Sleep(time.Second)
		_, changed, err := replicas[3].source.Refresh(context.Background())
		require.NoError(t, err)
		assert.True(t, changed)
		time.Sleep(5 * time.Second)
		together(replicas, func(r *replica) { r.within(0) })
		assert.Equal(t, 1, f.stats().Rotations)
		assert.Equal(t, 1, f.stats().Refused)
	})
}

// F28, I4: a process waits for an answer that does not come, with the lock in hand, while
// another has a token from a direct call and puts it back: that is found, though it was
// published under somebody else's lock.
func TestF28TokenPutBackDuringACallThatFails(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		lost := f.replica(via(roundTrip(func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, req.Context().Err()
		})))
		var waiting sync.WaitGroup
		waiting.Go(func() { lost.within(10*time.Second + latency) })
		time.Sleep(latency)
		other := f.replica()
		other.link.Silence(true)
		tok := other.mustGet()
		other.link.Silence(false)
		time.Sleep(5 * time.Second)
		require.Equal(t, 1, other.count(tokencache.EventPutBack, "stored"))
		waiting.Wait()
		assert.True(t, lost.within(0).Equal(tok))
	})
}

// F12: the holder's call fails and the lock is free again. All who waited for
// it get that very error within a round trip, and nobody asks in turn; who comes
// back waits out the shared backoff, and one asks.
func TestF12ReleasedWithoutToken(t *testing.T) {
	virtual(t, feishutest.Config{Latency: time.Second}, func(t *testing.T, f *fleet) {
		f.issuer.FailNext(1, feishutest.Status(503))
		replicas := f.start(20)
		for i, res := range all(t.Context(), replicas) {
			refused, ok := errors.AsType[*tokencache.IssuerError](res.err)
			require.True(t, ok, "%s: %v", replicas[i].name, res.err)
			assert.Equal(t, 503, refused.Status)
			assert.LessOrEqual(t, res.took, time.Second+time.Millisecond)
		}
		assert.Equal(t, feishutest.Stats{Refused: 1}, f.stats())
		assert.Empty(t, f.lockKeyAfter())

		withinAll(replicas, 300*time.Millisecond+takeover+time.Second)
		assert.Equal(t, feishutest.Stats{Refused: 1, Calls: 1, Rotations: 1}, f.stats())
	})
}

// F12: the issuer is down for two minutes and 20 replicas without a copy call
// Get in a loop. The fleet asks on one schedule, each time later, and is well as
// soon as that allows.
func TestF12IssuerDownForAColdFleet(t *testing.T) {
	const outage = 2 * time.Minute
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		f.issuer.SetFault(feishutest.Status(500))
		time.AfterFunc(outage, func() { f.issuer.SetFault(feishutest.Fault{}) })
		start := time.Now()
		together(f.start(20), func(r *replica) {
			for {
				ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
				res := <-r.getting(ctx)
				cancel()
				if res.err == nil {
					return
				}
				require.LessOrEqual(t, res.took, 3*time.Second)
				time.Sleep(100 * time.Millisecond)
			}
		})
		assert.Less(t, time.Since(start), outage+36*time.Second+takeover+latency, "I6: a running backoff and a call")
		f.assertBackoff(250*time.Millisecond, 30*time.Second)
		assert.LessOrEqual(t, f.stats().Refused, 11)
		assert.Equal(t, 1, f.stats().Calls)
	})
}

// F12: a holder that can tell nobody of its failure still says that the lock is
// free, and somebody else asks at once instead of when the lease is over.
func TestF12LeavesNeitherTokenNorFailure(t *testing.T) {
	virtual(t, feishutest.Config{Latency: time.Second}, func(t *testing.T, f *fleet) {
		holder, waiter := f.replica(), f.replica()
		f.issuer.FailNext(1, feishutest.Status(500))
		holder.link.Fail("ERR no", script("fail"))
		first := holder.getting(t.Context())
		time.Sleep(time.Millisecond)
		holder.link.Delay(time.Millisecond) // what it says and what it does are apart
		second := waiter.getting(t.Context())
		require.Error(t, (<-first).err)
		res := <-second
		require.NoError(t, res.err)
		assert.LessOrEqual(t, res.took, 2*time.Second+10*time.Millisecond)
		assert.Equal(t, feishutest.Stats{Refused: 1, Calls: 1, Rotations: 1}, f.stats())
	})
}

// assertPaced checks that failed calls are apart by the fleet's backoff, and
// that there are as many as that allows. What may be a replica's own trouble
// holds the others for a moment only. Takes is how long an answer that has begun
// goes on.
func (f *fleet) assertPaced(calls []feishutest.Call, class tokencache.Class, local bool, takes time.Duration) {
	f.t.Helper()
	base, limit := 250*time.Millisecond, 30*time.Second
	if class == tokencache.ClassUnknown {
		base, limit = 5*time.Second, time.Minute
	}
	require.Greater(f.t, len(calls), 5)
	for i, call := range calls[1:] {
		hold := time.Duration(min(float64(limit), float64(base)*math.Exp2(float64(i))))
		if local {
			hold = base
		}
		apart := call.Arrived.Sub(calls[i].Answered)
		assert.GreaterOrEqual(f.t, apart, hold, "call %d", i+1)
		if !local {
			assert.LessOrEqual(f.t, apart, hold*6/5+takes+2*time.Second, "call %d", i+1)
		}
	}
	if local {
		span := calls[len(calls)-1].Arrived.Sub(calls[0].Arrived)
		most := len(f.replicas) * (8 + int(span/limit))
		assert.LessOrEqual(f.t, len(calls), most, "each replica keeps to its own backoff")
	}
}

// assertBackoff checks that each failed call was followed by a pause of at least
// the backoff (I3).
func (f *fleet) assertBackoff(base, limit time.Duration) {
	f.t.Helper()
	calls, wait := f.issuer.Calls(), base
	for i := 1; i < len(calls) && !calls[i-1].Granted(); i++ {
		assert.GreaterOrEqual(f.t, calls[i].Arrived.Sub(calls[i-1].Answered), wait, "call %d", i)
		wait = min(limit, 2*wait)
	}
}
