package tokencache_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// A rotation costs the replicas that have a copy nothing: the event is the token.
func TestNewsOfATokenIsTheToken(t *testing.T) {
	virtual(t, feishutest.Config{Latency: latency, MintEveryCall: true}, func(t *testing.T, f *fleet) {
		holder := f.replica()
		replicas := f.start(40)
		withinAll(f.replicas, latency+100*time.Millisecond)
		time.Sleep(time.Minute)
		f.redis.Each((*redistest.Link).ResetCounts)
		for range 5 {
			time.Sleep(time.Hour)
			tok, changed, err := holder.source.Refresh(t.Context())
			require.NoError(t, err)
			require.True(t, changed)
			time.Sleep(time.Millisecond)
			for _, r := range replicas {
				assert.True(t, r.within(0).Equal(tok), r.name)
				assert.InDelta(t, time.Until(tok.Expiry()), time.Until(r.within(0).Expiry()), float64(10*time.Millisecond))
			}
		}
		assert.Zero(t, f.looks(replicas...))
		assert.Equal(t, 6, f.stats().Calls)
	})
}

// A cold replica that waits for somebody's call looks, subscribes, looks again, and hears.
func TestWaitersHearTheToken(t *testing.T) {
	const readers = 40
	const call = 200 * time.Millisecond // within the first safety poll
	virtual(t, feishutest.Config{Latency: call}, func(t *testing.T, f *fleet) {
		f.warmScripts()
		replicas := f.start(readers)
		for _, res := range all(context.Background(), replicas) {
			require.NoError(t, res.err)
			assert.LessOrEqual(t, res.took, call+100*time.Millisecond)
		}
		time.Sleep(time.Second)
		winners := 0
		for _, r := range replicas {
			if r.count(tokencache.EventCall, "") > 0 {
				winners++
				continue
			}
			assert.Equal(t, 2, f.looks(r), r.name)
			assert.Equal(t, 1, r.link.Count("SUBSCRIBE"), r.name)
		}
		assert.Equal(t, 1, winners)
	})
}

// I8: what an event tells and does not carry is read, by who has a copy some time within 5 s, or
// within a quarter of what the copy has left, and once.
func TestI8NewsThatHasToBeReadSpreadsTheReads(t *testing.T) {
	const readers = 40
	for edge, test := range map[string]struct {
		left, within time.Duration
		each         int
	}{
		"a fresh copy":     {time.Hour, 5 * time.Second, 1},
		"a copy that dies": {14 * time.Second, 3600 * time.Millisecond, 0}, // the first asks, and tells the others
		"a new copy":       {119 * time.Minute, 5 * time.Second, 1},
	} {
		t.Run(edge, func(t *testing.T) {
			virtual(t, feishutest.Config{Latency: latency}, func(t *testing.T, f *fleet) {
				replicas := f.start(readers)
				withinAll(replicas, latency+100*time.Millisecond)
				time.Sleep(f.redis.Admin().PTTL(t.Context(), f.tokenKey()).Val() - test.left)
				f.redis.Each((*redistest.Link).ResetCounts)
				f.send(tokencache.Hint{
					Token: tokencache.NewToken("another", "", time.Hour), Unsealed: true,
					Stored: time.Now(), Checked: time.Now(), Ends: time.Now().Add(time.Hour),
				}.String(f.credential()))
				for i, before := 1, 0; i <= 10; i++ {
					time.Sleep(test.within / 10)
					so := f.looks(replicas...)
					assert.LessOrEqual(t, so-before, readers/4, "in the tenth part %d", i)
					before = so
				}
				time.Sleep(test.within)
				for _, r := range replicas {
					assert.GreaterOrEqual(t, f.looks(r), test.each, r.name)
					assert.Greater(t, time.Until(r.within(0).Expiry()), 50*time.Minute, r.name)
				}
				assert.Positive(t, f.looks(replicas...))
				assert.LessOrEqual(t, f.looks(replicas...), readers+10)
			})
		})
	}
}

// F45: an event of a token that is late, repeated, reordered, truncated, altered, too large, or
// from who lacks the secret. It is taken for the token only if it opens and its times agree
// with those of the last look. All else is a reason to look, once, and the copy stays.
func TestF45EventsOfTokens(t *testing.T) {
	const hour = time.Hour
	type sent struct {
		shift time.Duration // of all times, against what they are now
		hint  func(*tokencache.Hint)
		text  func(string) string
	}
	for edge, test := range map[string]struct {
		sent
		adopted bool
		looks   int
		garbled int
	}{
		"of now":                           {adopted: true},
		"late by 2 s":                      {sent: sent{shift: -1900 * time.Millisecond}, adopted: true},
		"late by 3 s":                      {sent: sent{shift: -3 * time.Second}, looks: 1},
		"late by half an hour":             {sent: sent{shift: -hour / 2}, looks: 1},
		"from before the last look":        {sent: sent{shift: -hour - time.Second}, looks: 1},
		"from the future":                  {sent: sent{shift: 100 * time.Millisecond}, looks: 1},
		"by a clock ahead by an hour":      {sent: sent{shift: hour}, looks: 1},
		"too large":                        {sent: sent{hint: func(h *tokencache.Hint) { h.Unsealed = true }}, looks: 1},
		"a seal that is none":              {sent: sent{hint: func(h *tokencache.Hint) { h.Sealed = "x" }}, looks: 1, garbled: 1},
		"an old seal, and the time of now": {sent: sent{hint: func(h *tokencache.Hint) { h.SealedStored = h.Stored.Add(-hour) }}, looks: 1, garbled: 1},
		"a prolonged end":                  {sent: sent{hint: func(h *tokencache.Hint) { h.SealedEnds, h.Ends = h.Ends, h.Ends.Add(hour) }}, looks: 1, garbled: 1},
		"an end beyond its life":           {sent: sent{hint: func(h *tokencache.Hint) { h.Ends = h.Ends.Add(24 * hour) }}, adopted: true},
		"truncated":                        {sent: sent{text: func(s string) string { return s[:len(s)/2] }}, looks: 1, garbled: 1},
		"without its times":                {sent: sent{text: func(s string) string { return s[:20] }}, looks: 1, garbled: 1},
		"of a later version":               {sent: sent{text: func(s string) string { return s + " more" }}, adopted: true},
		"of another kind":                  {sent: sent{text: func(s string) string { return "U" + s[1:] }}},
	} {
		t.Run(edge, func(t *testing.T) {
			virtual(t, usual(), func(t *testing.T, f *fleet) {
				r := f.replica()
				copied := r.mustGet()
				time.Sleep(hour)
				f.redis.Each((*redistest.Link).ResetCounts)
				now := time.Now().Add(test.shift)
				h := tokencache.Hint{
					Token:  tokencache.NewToken("another", "", 2*hour),
					Stored: now, Checked: now.Add(-time.Second), Ends: now.Add(2*hour - time.Second),
				}
				if test.hint != nil {
					test.hint(&h)
				}
				event := h.String(f.credential())
				if test.text != nil {
					event = test.text(event)
				}
				for range 3 { // repeated
					f.send(event)
				}
				tok, ok := r.source.Peek()
				require.True(t, ok)
				if !test.adopted {
					assert.True(t, tok.Equal(copied))
				} else {
					assert.Equal(t, "another", tok.AppAccessToken())
					assert.LessOrEqual(t, time.Until(tok.Expiry()), 2*hour)
					assert.Greater(t, time.Until(tok.Expiry()), 2*hour-3*time.Second)
				}
				time.Sleep(10 * time.Second)
				assert.LessOrEqual(t, f.looks(r), test.looks)
				assert.GreaterOrEqual(t, f.looks(r), min(1, test.looks))
				assert.Equal(t, 3*test.garbled, r.count(tokencache.EventIgnored, ""))
				if !test.adopted {
					assert.True(t, r.within(0).Equal(copied))
				}
			})
		})
	}
	t.Run("from who lacks the secret", func(t *testing.T) {
		virtual(t, usual(), func(t *testing.T, f *fleet) {
			r := f.replica()
			copied := r.mustGet()
			time.Sleep(hour)
			f.send(tokencache.Hint{
				Token:  tokencache.NewToken("another", "", 2*hour),
				Stored: time.Now(), Checked: time.Now(), Ends: time.Now().Add(2 * hour),
			}.String(tokencache.OfAnotherBuild(f.credential())))
			f.send(tokencache.RejectionHint(tokencache.OfAnotherBuild(f.credential()), copied.Fingerprint(), time.Now()))
			assert.Equal(t, 2, r.count(tokencache.EventIgnored, "the seal cannot be opened"))
			assert.True(t, r.within(0).Equal(copied), "nobody without the secret has a fleet drop its token")
		})
	})
	t.Run("a flood of what is none", func(t *testing.T) {
		virtual(t, usual(), func(t *testing.T, f *fleet) {
			r := f.replica()
			r.mustGet()
			time.Sleep(hour)
			f.redis.Each((*redistest.Link).ResetCounts)
			for range 10_000 {
				f.send("T x")
			}
			assert.GreaterOrEqual(t, f.looks(r), 1, "it does not put the look off")
			assert.LessOrEqual(t, f.looks(r), 12, "one in 2.5 s on the average")
		})
	})
}

// F45, I8: who waits without a copy looks when somebody tells something that has to be read: at
// once, four times in a row, and then once a second, whatever is sent meanwhile. It hears the
// token all the same.
func TestF45FloodWhileAGetWaits(t *testing.T) {
	const call, flood = 8 * time.Second, 6 * time.Second
	for name, event := range map[string]string{"of no token": "T x", "of a lock that nobody left": "F"} {
		t.Run(name, func(t *testing.T) {
			virtual(t, feishutest.Config{Latency: call}, func(t *testing.T, f *fleet) {
				waits, got := f.waiter()
				before := f.looks(waits)
				for range flood / (10 * time.Millisecond) {
					f.send(event)
					time.Sleep(9 * time.Millisecond)
				}
				seconds, polls := int(flood/time.Second), 6
				assert.GreaterOrEqual(t, f.looks(waits)-before, 4+seconds-1, "it is not deaf")
				assert.LessOrEqual(t, f.looks(waits)-before, 4+seconds+polls)
				first, second := <-got, <-got
				assert.Less(t, second.Sub(first), 50*time.Millisecond)
				assert.Equal(t, 1, f.stats().Calls)
			})
		})
	}
}

// F45, I8: what no replica ever sends, and the notifier itself tells in other words, is not heard.
func TestF45EventsThatNobodySends(t *testing.T) {
	const call = 8 * time.Second
	for name, event := range map[string]string{"nothing": "", "nothing about something": " x", "a gap": "G"} {
		t.Run(name, func(t *testing.T) {
			virtual(t, feishutest.Config{Latency: call}, func(t *testing.T, f *fleet) {
				waits, got := f.waiter()
				before := f.looks(waits)
				for range 500 {
					f.send(event)
					time.Sleep(9 * time.Millisecond)
				}
				assert.LessOrEqual(t, f.looks(waits)-before, 4, "the safety polls of 4.5 s")
				first, second := <-got, <-got
				assert.Less(t, second.Sub(first), 50*time.Millisecond)
			})
		})
	}
}

// A look in the millisecond in which a token is stored may have come just before. Whoever made it does
// not wait for some seconds to make the next, as with other events that cannot be believed.
func TestLookOfTheMillisecondOfAToken(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		r := f.replica()
		r.mustGet()
		time.Sleep(time.Second) // it has subscribed
		looked := time.Now()
		_, _, err := r.source.Refresh(t.Context())
		require.NoError(t, err)
		f.redis.Each((*redistest.Link).ResetCounts)
		f.send(tokencache.Hint{
			Token:  tokencache.NewToken("another", "", 2*time.Hour),
			Stored: looked, Checked: looked, Ends: looked.Add(2 * time.Hour),
		}.String(f.credential()))
		time.Sleep(21 * time.Millisecond)
		assert.Equal(t, 1, f.looks(r))
	})
}

// F45: events that overtake each other. What was told of first, and arrives last, is no reason to
// go back to it.
func TestF45EventsReordered(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		r := f.replica()
		r.mustGet()
		time.Sleep(time.Hour)
		told := func(name string, stored time.Time) string {
			return tokencache.Hint{
				Token:  tokencache.NewToken(name, "", 2*time.Hour),
				Stored: stored, Checked: stored, Ends: stored.Add(2 * time.Hour),
			}.String(f.credential())
		}
		first := told("first", time.Now())
		time.Sleep(time.Second)
		f.send(told("second", time.Now()))
		f.send(first)
		tok, _ := r.source.Peek()
		assert.Equal(t, "second", tok.AppAccessToken())
		time.Sleep(10 * time.Second)
		tok, _ = r.source.Peek()
		assert.Equal(t, "second", tok.AppAccessToken())
	})
}

// F45: two words on one token, of which the later is a longer one, and arrives first.
func TestF45WordsReordered(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		r := f.replica()
		tok := r.mustGet()
		time.Sleep(time.Hour)
		word := func(left time.Duration) string {
			return tokencache.Hint{
				Token: tok, Life: 2 * time.Hour, Stored: time.Now(), Checked: time.Now(), Ends: time.Now().Add(left),
			}.String(f.credential())
		}
		shorter := word(20 * time.Minute)
		time.Sleep(100 * time.Millisecond)
		longer := word(40 * time.Minute)
		for _, event := range []string{longer, shorter, longer} {
			f.send(event)
			got, ok := r.source.Peek()
			require.True(t, ok)
			assert.InDelta(t, 40*time.Minute, time.Until(got.Expiry()), float64(time.Second))
		}
	})
}

// F48: a rejection, and the token that the issuer hands out again after it, in any order: who
// hears has the token in the end, and nobody asks again. One that was asked for before the
// rejection, or at the same moment, is not taken.
func TestF48RejectionAndTheTokenHandedOutAgain(t *testing.T) {
	for edge, test := range map[string]struct {
		rejectionLast bool
		checked       time.Duration // after the rejection
		has           bool
	}{
		"rejected, then handed out again":    {false, time.Millisecond, true},
		"the same, and it overtakes":         {true, time.Millisecond, true},
		"asked for before":                   {false, -time.Millisecond, false},
		"asked for before, and it overtakes": {true, -time.Millisecond, false},
		"at the same moment":                 {false, 0, false},
		"at the same moment, the other way":  {true, 0, false},
	} {
		t.Run(edge, func(t *testing.T) {
			virtual(t, usual(), func(t *testing.T, f *fleet) {
				r := f.replica()
				tok := r.mustGet()
				time.Sleep(time.Hour)
				at := time.Now()
				time.Sleep(10 * time.Millisecond)
				rejection := tokencache.RejectionHint(f.credential(), tok.Fingerprint(), at)
				token := tokencache.Hint{
					Token: tok, Life: 2 * time.Hour,
					Stored: time.Now(), Checked: at.Add(test.checked), Ends: time.Now().Add(time.Hour - time.Second),
				}.String(f.credential())
				f.redis.Each((*redistest.Link).ResetCounts)
				if test.rejectionLast {
					f.send(token)
					f.send(rejection)
				} else {
					f.send(rejection)
					f.send(token)
				}
				got, ok := r.source.Peek()
				assert.Equal(t, test.has, ok)
				if test.has {
					assert.True(t, got.Equal(tok))
					assert.Zero(t, f.looks(r))
				}
				f.send(rejection) // once more
				_, ok = r.source.Peek()
				assert.Equal(t, test.has, ok, "repeated")
			})
		})
	}
}

// F49: a replica hears nothing for days. It finds each token itself, without a call, and what was
// revoked at the due time at the latest, or by its own rejection, which costs no call either.
func TestF49NobodyTells(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		teller, deaf := f.replica(), f.replica()
		withinAll(f.replicas, latency+100*time.Millisecond)
		deaf.link.LoseMessages(true)
		read(f.replicas, time.Second, 3*24*time.Hour) // checks each
		assert.Equal(t, f.stats().Rotations, f.stats().Calls)
		assert.Equal(t, 1, deaf.count(tokencache.EventWait, ""), "the first")

		bad := teller.mustGet()
		f.issuer.Rotate()
		require.NoError(t, teller.source.Invalidate(t.Context(), bad))
		good := teller.mustGet()
		calls := f.stats().Calls
		require.False(t, good.Equal(bad))
		require.True(t, deaf.within(0).Equal(bad), "nobody has told it")
		require.NoError(t, deaf.source.Invalidate(t.Context(), bad))
		assert.True(t, deaf.within(100*time.Millisecond).Equal(good))
		assert.Equal(t, calls, f.stats().Calls)
	})
}

// F57: a look is on its way with a longer end than the event that arrives before its answer has.
func TestF57LookOvertakenByAShorterWord(t *testing.T) {
	const left = 5 * time.Minute
	virtual(t, feishutest.Config{Latency: latency, Window: time.Minute}, func(t *testing.T, f *fleet) {
		r, other := f.replica(), f.replica()
		withinAll(f.replicas, latency+100*time.Millisecond)
		time.Sleep(10 * time.Minute)
		r.link.Shape(slowReplies(500 * time.Millisecond))
		f.send("T x") // have it look
		time.Sleep(time.Second)
		f.issuer.SetRemaining(left)
		_, changed, err := other.source.Refresh(t.Context())
		require.NoError(t, err)
		require.False(t, changed)
		for range 100 {
			time.Sleep(100 * time.Millisecond)
			tok, ok := r.source.Peek()
			require.True(t, ok)
			if time.Until(tok.Expiry()) <= left {
				break
			}
		}
		for range 600 {
			time.Sleep(100 * time.Millisecond)
			tok, ok := r.source.Peek()
			require.True(t, ok)
			require.LessOrEqual(t, time.Until(tok.Expiry()), left)
		}
	})
}

// F59: the event of a big token does not carry it, or Redis would be busy with copies of that.
func TestF59BigTokensAreNotInEvents(t *testing.T) {
	for size, carried := range map[int]bool{2 << 10: true, 8 << 10: false} {
		virtual(t, usual(), func(t *testing.T, f *fleet) {
			token := strings.Repeat("x", size)
			fetch := tokencache.FetchFunc(f.credential(), func(context.Context) (tokencache.Token, error) {
				token += "y"
				return tokencache.NewToken(token, "", 2*time.Hour), nil
			})
			by := func(c *replicaConfig) { c.fetcher = fetch }
			holder, reader := f.replica(by), f.replica(by)
			for _, r := range f.replicas {
				_, err := r.source.Get(t.Context())
				require.NoError(t, err)
			}
			time.Sleep(time.Minute)
			sub := f.redis.Admin().PSubscribe(t.Context(), "*")
			defer sub.Close()
			_, err := sub.Receive(t.Context())
			require.NoError(t, err)
			f.redis.Each((*redistest.Link).ResetCounts)
			tok, _, err := holder.source.Refresh(t.Context())
			require.NoError(t, err)
			message, err := sub.Receive(t.Context())
			require.NoError(t, err)
			assert.Less(t, len(message.(*redis.Message).Payload), 4500)
			time.Sleep(5 * time.Second)
			got, _ := reader.source.Peek()
			assert.True(t, got.Equal(tok))
			assert.Equal(t, carried, f.looks(reader) == 0)
		})
	}
}

// waiter is a replica without a copy that waits for the call of another, and has subscribed. When both
// have the token is sent.
func (f *fleet) waiter() (waits *replica, got chan time.Time) {
	got = make(chan time.Time, 2)
	for range 2 {
		waits = f.replica()
		go func(r *replica) {
			r.mustGet()
			got <- time.Now()
		}(waits)
		time.Sleep(300 * time.Millisecond) // the second finds the lock held
	}
	return waits, got
}
