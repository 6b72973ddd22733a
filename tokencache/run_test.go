package tokencache_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// Run keeps tokens fresh that nobody asks for, so that whoever then does never
// waits; also those of Sources made later.
func TestRunKeepsFresh(t *testing.T) {
	virtual(t, feishutest.Config{Latency: 130 * time.Millisecond}, func(t *testing.T, f *fleet) {
		r := f.replica()
		stop := r.run()
		var later journal
		time.Sleep(time.Hour)
		source := r.cache.Source(later.fetcher("later"))
		time.Sleep(time.Second)
		for range 24 * 6 {
			r.within(0)
			start := time.Now()
			_, err := source.Get(context.Background())
			require.NoError(t, err)
			assert.Zero(t, time.Since(start))
			time.Sleep(10 * time.Minute)
		}
		stop()
		assert.Zero(t, r.count(tokencache.EventWait, ""))
		stats := f.stats()
		assert.Equal(t, stats.Rotations, stats.Calls)
		assert.InDelta(t, 25*60/94, stats.Calls, 3)
		assert.InDelta(t, 25*60/94, len(later.taken()), 3)
	})
}

// A refresher goes first, so that embedded replicas never ask; of two, either.
func TestRunRefreshersGoFirst(t *testing.T) {
	virtual(t, feishutest.Config{Latency: 130 * time.Millisecond}, func(t *testing.T, f *fleet) {
		refreshers := f.start(2)
		for _, r := range refreshers {
			defer r.run()()
			time.Sleep(time.Second)
		}
		embedded := f.start(5)
		together(embedded, func(r *replica) { r.within(0) })
		f.readAtOnce(embedded, 10*time.Second, 48*time.Hour)
		stats := f.stats()
		assert.Equal(t, stats.Rotations, stats.Calls)
		for _, r := range embedded {
			assert.Zero(t, r.count(tokencache.EventCall, ""), r.name)
		}
		for _, call := range f.issuer.Calls()[1:] {
			assert.Greater(t, call.Remaining, 28*time.Minute)
		}
	})
}

// A replica is a refresher for as long as Run is active, of the token too that it had before.
func TestRunMakesARefresher(t *testing.T) {
	first := [2]time.Duration{29 * time.Minute, 29*time.Minute + 30*time.Second} // a refresher asks with so much left
	any := [2]time.Duration{24 * time.Minute, 27 * time.Minute}                  // any other
	for name, test := range map[string]struct {
		do   func(r *replica, begin func() (end func())) // with a token at hand
		want [2]time.Duration
	}{
		"it is not called": {func(*replica, func() func()) {}, any},
		"it begins":        {func(_ *replica, begin func() func()) { begin() }, first},
		"it begins when a refresher's time is over": {func(r *replica, begin func() func()) {
			r.read(92*time.Minute + 500*time.Millisecond)
			begin()
		}, [2]time.Duration{28*time.Minute - time.Second, 28 * time.Minute}},
		"it ends":                  {func(r *replica, begin func() func()) { end := begin(); r.read(time.Minute); end() }, any},
		"it ends and begins again": {func(_ *replica, begin func() func()) { begin()(); begin() }, first},
		"one of two ends":          {func(_ *replica, begin func() func()) { begin(); begin()() }, first},
		"both end":                 {func(_ *replica, begin func() func()) { one, two := begin(), begin(); two(); one() }, any},
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, feishutest.Config{}, func(t *testing.T, f *fleet) {
				r := f.replica()
				r.mustGet()
				test.do(r, func() func() {
					end := sync.OnceFunc(r.run())
					t.Cleanup(end)
					time.Sleep(time.Millisecond)
					return end
				})
				r.read(2 * time.Hour)
				calls := f.issuer.Calls()
				require.GreaterOrEqual(t, len(calls), 2)
				assert.GreaterOrEqual(t, calls[1].Remaining, test.want[0])
				assert.LessOrEqual(t, calls[1].Remaining, test.want[1])
				assert.LessOrEqual(t, r.count(tokencache.EventWait, ""), 1, "for the first token")
			})
		})
	}
}

// A failure is retried for ever, at its pace, also past the end of the token.
func TestRunOutlastsTheIssuersOutage(t *testing.T) {
	virtual(t, feishutest.Config{Latency: 130 * time.Millisecond}, func(t *testing.T, f *fleet) {
		r := f.replica()
		defer r.run()()
		time.Sleep(time.Second)
		f.issuer.SetFault(feishutest.Status(503))
		time.Sleep(6 * time.Hour)
		refused := f.stats().Refused
		assert.Greater(t, refused, 4*60, "about two a minute")
		assert.Less(t, refused, 5*3600/30)
		f.issuer.SetFault(feishutest.Fault{})
		time.Sleep(40 * time.Second)
		r.within(0)
		assert.Zero(t, r.count(tokencache.EventWait, ""))
	})
}

// And so is trouble with Redis, from the very start.
func TestRunStartsWithoutRedis(t *testing.T) {
	virtual(t, feishutest.Config{}, func(t *testing.T, f *fleet) {
		r := f.replica()
		r.link.Down()
		defer r.run()()
		time.Sleep(10 * time.Second)
		tok := r.within(0)
		r.link.Heal()
		time.Sleep(time.Minute)
		assert.True(t, f.replica().within(0).Equal(tok), "and then it is shared")
		assert.Equal(t, 1, f.stats().Calls)
	})
}

// When Run has ended, its Sources are left to those who call Get.
func TestRunEnds(t *testing.T) {
	virtual(t, feishutest.Config{}, func(t *testing.T, f *fleet) {
		r := f.replica()
		stop := r.run()
		time.Sleep(time.Minute)
		stop()
		f.resetCounts()
		time.Sleep(24 * time.Hour)
		assert.Equal(t, 1, f.stats().Calls)
		assert.Zero(t, r.link.Count(), "%v", r.link.Counts())
		r.mustGet()
		assert.Equal(t, 2, f.stats().Calls)
	})
}

// Two calls of Run are one more than needed: the first that ends changes nothing.
func TestRunTwice(t *testing.T) {
	virtual(t, feishutest.Config{}, func(t *testing.T, f *fleet) {
		r := f.replica()
		defer r.run()()
		stop := r.run()
		time.Sleep(time.Minute)
		stop()
		time.Sleep(24 * time.Hour)
		r.within(0)
		stats := f.stats()
		assert.Equal(t, stats.Rotations, stats.Calls)
		assert.Greater(t, stats.Calls, 12)
	})
}

// Without Run and without anybody who calls Get nothing is done.
func TestRunNot(t *testing.T) {
	virtual(t, feishutest.Config{}, func(t *testing.T, f *fleet) {
		r := f.replica()
		r.mustGet()
		time.Sleep(time.Minute)
		f.resetCounts()
		time.Sleep(24 * time.Hour)
		assert.Zero(t, r.link.Count())
		assert.Equal(t, 1, f.stats().Calls)
	})
}

// Close ends Run, and there is none after it.
func TestRunAndClose(t *testing.T) {
	virtual(t, feishutest.Config{}, func(t *testing.T, f *fleet) {
		r := f.replica()
		ended := make(chan error)
		go func() { ended <- r.cache.Run(context.Background()) }()
		time.Sleep(time.Minute)
		r.stop()
		assert.ErrorIs(t, <-ended, tokencache.ErrClosed)
		assert.ErrorIs(t, r.cache.Run(context.Background()), tokencache.ErrClosed)
	})
}

// read calls Get once a second.
func (r *replica) read(during time.Duration) {
	for range during / time.Second {
		r.within(0)
		time.Sleep(time.Second)
	}
	time.Sleep(during % time.Second)
}
