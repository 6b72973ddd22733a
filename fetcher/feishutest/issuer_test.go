package feishutest_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

func TestWindow(t *testing.T) {
	for _, c := range []struct {
		edge   string
		after  time.Duration
		same   bool
		expire int
	}{
		{"at once", 0, true, 7200},
		{"1 ns later the seconds are rounded down", time.Nanosecond, true, 7199},
		{"4567 s left", 2633 * time.Second, true, 4567},
		{"30 min and 1 ns left", 90*time.Minute - time.Nanosecond, true, 1800},
		{"30 min left", 90 * time.Minute, true, 1800},
		{"1 ns less than 30 min left", 90*time.Minute + time.Nanosecond, false, 7200},
		{"at its end", 2 * time.Hour, false, 7200},
		{"a day after its end", 26 * time.Hour, false, 7200},
	} {
		t.Run(c.edge, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				issuer := feishutest.New(feishutest.Config{})
				first := call(t, issuer)
				assert.Equal(t, 7200, first.Expire)
				time.Sleep(c.after)
				second := call(t, issuer)
				assert.Equal(t, c.same, first.App == second.App)
				assert.Equal(t, c.same, first.Tenant == second.Tenant)
				assert.Equal(t, c.expire, second.Expire)
			})
		})
	}
}

func TestBothValidUntilTheirOwnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := feishutest.New(feishutest.Config{})
		first := call(t, issuer)
		time.Sleep(100 * time.Minute)
		second := call(t, issuer)
		require.NotEqual(t, first.App, second.App)
		assert.Equal(t, 20*time.Minute, issuer.Remaining(first.App))
		assert.Equal(t, 2*time.Hour, issuer.Remaining(second.Tenant))

		time.Sleep(20*time.Minute - time.Nanosecond)
		assert.True(t, issuer.Valid(first.App))
		time.Sleep(time.Nanosecond)
		assert.False(t, issuer.Valid(first.App))
		assert.False(t, issuer.Valid(first.Tenant))
		assert.True(t, issuer.Valid(second.App))
		assert.False(t, issuer.Valid("a-unheard-of"))
	})
}

func TestTokensDiffer(t *testing.T) {
	issuer := feishutest.New(feishutest.Config{MintEveryCall: true})
	seen := map[string]bool{}
	for range 50 {
		a := call(t, issuer)
		seen[a.App], seen[a.Tenant] = true, true
	}
	assert.Len(t, seen, 100)
	assert.Equal(t, feishutest.Stats{Calls: 50, Rotations: 50}, issuer.Stats())
}

// A client that refreshes in time, day after day, finds each call in the record.
func TestDaysOfRotations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const days = 30
		issuer := feishutest.New(feishutest.Config{Latency: 130 * time.Millisecond})
		begin := time.Now()
		var last answer
		for time.Since(begin) < days*24*time.Hour {
			last = call(t, issuer)
			require.Equal(t, 7200, last.Expire)
			time.Sleep(91 * time.Minute)
			require.True(t, issuer.Valid(last.App))
		}
		calls, pairs := issuer.Calls(), issuer.Pairs()
		require.Len(t, pairs, len(calls))
		assert.Equal(t, feishutest.Stats{Calls: len(calls), Rotations: len(calls)}, issuer.Stats())
		for n, c := range calls {
			assert.Equal(t, 130*time.Millisecond, c.Answered.Sub(c.Arrived))
			assert.Equal(t, c.Answered, pairs[n].Minted)
			assert.Equal(t, pairs[n].App, c.App)
			assert.True(t, c.Minted && c.Granted())
			if n > 0 {
				assert.Equal(t, 29*time.Minute, c.Remaining)
			}
		}
	})
}

func TestSetRemaining(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := feishutest.New(feishutest.Config{})
		issuer.SetRemaining(4567 * time.Second)
		first := call(t, issuer)
		assert.Equal(t, 4567, first.Expire)
		issuer.SetRemaining(1800 * time.Second)
		assert.Equal(t, 1800, call(t, issuer).Expire)
		issuer.SetRemaining(1799 * time.Second)
		assert.Equal(t, 7200, call(t, issuer).Expire)
		assert.Equal(t, 1799*time.Second, issuer.Remaining(first.App))
		issuer.SetRemaining(0)
		assert.Equal(t, 7200, call(t, issuer).Expire)
	})
}

func TestRotate(t *testing.T) {
	issuer := feishutest.New(feishutest.Config{})
	first := call(t, issuer)
	pair := issuer.Rotate()
	assert.NotEqual(t, first.App, pair.App)
	assert.True(t, issuer.Valid(first.App))
	assert.Equal(t, pair.App, call(t, issuer).App)
}

func TestMemoryIsBounded(t *testing.T) {
	const records = 1 << 16
	synctest.Test(t, func(t *testing.T) {
		issuer := feishutest.New(feishutest.Config{Life: time.Second})
		first := issuer.Rotate()
		for range records - 1 {
			issuer.Rotate()
		}
		assert.Len(t, issuer.Pairs(), records)
		time.Sleep(time.Second)
		last := issuer.Rotate()
		pairs := issuer.Pairs()
		assert.Len(t, pairs, records/2+1)
		assert.Equal(t, last, pairs[len(pairs)-1])
		assert.Zero(t, issuer.Remaining(first.App))
		assert.True(t, issuer.Valid(last.App))
	})
}

func TestRevoke(t *testing.T) {
	issuer := feishutest.New(feishutest.Config{})
	first := call(t, issuer)
	assert.True(t, issuer.Revoke(first.Tenant))
	assert.False(t, issuer.Revoke(first.App), "the pair is revoked already")
	assert.False(t, issuer.Valid(first.App))
	assert.Zero(t, issuer.Remaining(first.Tenant))

	second := call(t, issuer)
	assert.NotEqual(t, first.App, second.App)
	pairs := issuer.Pairs()
	require.Len(t, pairs, 2)
	assert.False(t, pairs[0].Revoked.IsZero())
	assert.True(t, pairs[1].Revoked.IsZero())
	assert.False(t, issuer.Revoke("t-unheard-of"))
}

func TestRevokeAnOlderToken(t *testing.T) {
	issuer := feishutest.New(feishutest.Config{})
	first := call(t, issuer)
	second := issuer.Rotate()
	assert.True(t, issuer.Revoke(first.App))
	assert.Equal(t, second.App, call(t, issuer).App)
}

func TestKeepRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := feishutest.New(feishutest.Config{KeepRevoked: true})
		first := call(t, issuer)
		issuer.Revoke(first.App)
		time.Sleep(time.Hour)
		again := call(t, issuer)
		assert.Equal(t, first.App, again.App)
		assert.Equal(t, 3600, again.Expire)
		assert.False(t, issuer.Valid(again.App))
		issuer.SetKeepRevoked(false)
		assert.NotEqual(t, first.App, call(t, issuer).App)
	})
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		edge, body string
		code       int
	}{
		{"another app", `{"app_id":"cli_other","app_secret":"test-secret"}`, 10003},
		{"malformed app id", `{"app_id":"","app_secret":"test-secret"}`, 10003},
		{"wrong secret", `{"app_id":"cli_test","app_secret":"guess"}`, 10014},
		{"no JSON", `app_id=cli_test`, 10003},
		{"nothing", ``, 10003},
	} {
		t.Run(c.edge, func(t *testing.T) {
			issuer := feishutest.New(feishutest.Config{})
			a := callWith(t, issuer, c.body)
			assert.Equal(t, c.code, a.Code)
			assert.NotEmpty(t, a.Msg)
			assert.Empty(t, a.App)
			assert.Equal(t, feishutest.Stats{Refused: 1}, issuer.Stats())
			require.Len(t, issuer.Calls(), 1)
			assert.Equal(t, c.code, issuer.Calls()[0].Code)
			assert.False(t, issuer.Calls()[0].Granted())
		})
	}
}

func TestSetAppSecret(t *testing.T) {
	issuer := feishutest.New(feishutest.Config{})
	first := call(t, issuer)
	issuer.SetAppSecret("fresh")
	assert.Equal(t, "fresh", issuer.AppSecret())
	assert.Equal(t, 10014, call(t, issuer).Code)
	again := callWith(t, issuer, `{"app_id":"cli_test","app_secret":"fresh"}`)
	assert.Equal(t, first.App, again.App)
}

// A fleet in a bubble: whoever calls within the same second gets the same pair.
func TestManyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := feishutest.New(feishutest.Config{Latency: 100 * time.Millisecond})
		tokens := make(chan string, 200)
		for range 200 {
			go func() { tokens <- call(t, issuer).App }()
		}
		first := <-tokens
		for range 199 {
			assert.Equal(t, first, <-tokens)
		}
		assert.Equal(t, feishutest.Stats{Calls: 200, Rotations: 1}, issuer.Stats())
	})
}

func ExampleNew() {
	issuer := feishutest.New(feishutest.Config{})
	pair := issuer.Rotate()

	req, err := http.NewRequest(http.MethodGet, "https://feishu.test"+feishutest.QueryPath, nil)
	if err != nil {
		panic(err)
	}
	req.Header.Set("Authorization", "Bearer "+pair.Tenant)
	resp, err := issuer.RoundTripper().RoundTrip(req)
	if err != nil {
		panic(err)
	}
	defer func() { _ = resp.Body.Close() }()
	fmt.Println(resp.Status)
	// Output: 200 OK
}

func TestSetFault(t *testing.T) {
	issuer := feishutest.New(feishutest.Config{})
	issuer.SetFault(feishutest.Refusal(1, "always"))
	issuer.FailNext(2, feishutest.Refusal(2, "twice"))
	for _, code := range []int{2, 2, 1, 1} {
		assert.Equal(t, code, call(t, issuer).Code)
	}
	issuer.SetFault(feishutest.Fault{})
	assert.Equal(t, 0, call(t, issuer).Code)
	assert.Equal(t, "", issuer.Calls()[4].Fault)
}
