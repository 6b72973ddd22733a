package tokencache

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/wire"
)

// I2: which of two tokens, or of two ends of one token, becomes the copy.
func TestI2ShelfTakes(t *testing.T) {
	const hour, ago = time.Hour, time.Minute
	for edge, test := range map[string]struct {
		change   func(s *shelf, a *adoption) // of "a", 1 h left, confirmed a minute ago, before it is the copy
		next     string
		left     time.Duration
		checked  time.Duration
		than     func(a *adoption) // of the next
		want     string
		wantLeft time.Duration
	}{
		"another that ends later":             {nil, "b", hour + 1, ago, nil, "b", hour + 1},
		"another that ends at once with it":   {nil, "b", hour, 0, nil, "a", hour},
		"another that ends 2 s earlier":       {nil, "b", hour - 2*time.Second, 0, nil, "a", hour},
		"another, 3 s earlier, asked since":   {nil, "b", hour - 3*time.Second, ago - 1, nil, "b", hour - 3*time.Second},
		"another, 3 s earlier, asked before":  {nil, "b", hour - 3*time.Second, ago, nil, "a", hour},
		"another, 3 s earlier, of an event":   {nil, "b", hour - 3*time.Second, 0, func(a *adoption) { a.inRedis = false }, "a", hour},
		"another, 3 s earlier, than a direct": {func(_ *shelf, a *adoption) { a.unpublished = true }, "b", hour - 3*time.Second, 0, nil, "a", hour},
		"the same, shorter, asked since":      {nil, "a", hour / 2, ago - 1, nil, "a", hour / 2},
		"the same, longer, asked since":       {nil, "a", 2 * hour, ago - 1, nil, "a", 2 * hour},
		"the same, shorter, asked before":     {nil, "a", hour / 2, ago + 1, nil, "a", hour},
		"the same, of our own question":       {nil, "a", hour / 2, ago + 1, func(a *adoption) { a.own = true }, "a", hour / 2},
		"the same, longer, than a direct":     {func(_ *shelf, a *adoption) { a.unpublished = true }, "a", 2 * hour, 0, nil, "a", hour},
		"past its end":                        {nil, "b", 10 * time.Second, 0, nil, "a", hour},
	} {
		t.Run(edge, func(t *testing.T) {
			at, redis := now(), time.UnixMilli(1_700_000_000_000)
			s := shelfOf(t, at, redis)
			a := s.word("a", hour, ago, at, redis)
			if test.change != nil {
				test.change(s, &a)
			}
			first := s.take(a, false, at)
			require.True(t, first.usable && first.another)
			require.NotNil(t, first.stored)

			next := s.word(test.next, test.left, test.checked, at, redis)
			if test.than != nil {
				test.than(&next)
			}
			became := s.take(next, false, at)
			assert.Equal(t, test.want, s.holds(at))
			assert.Equal(t, test.wantLeft, s.usable(at).remainingAt(at))
			assert.True(t, became.usable)
			assert.Equal(t, test.want != "a", became.another)
			assert.Equal(t, feishuLife, s.lastLife)
		})
	}
}

// I1: a token that was rejected is not the copy again before the issuer was asked for it again.
func TestI1ShelfRejects(t *testing.T) {
	at, redis := now(), time.UnixMilli(1_700_000_000_000)
	s := shelfOf(t, at, redis)
	fp := wire.Fingerprint("a", "")
	onItsWay := s.word("a", time.Hour, time.Minute, at, redis)
	s.take(onItsWay, false, at)

	dropped, err := s.reject(fp, at)
	require.NoError(t, err)
	assert.True(t, dropped.is(fp))
	assert.Empty(t, s.holds(at))
	assert.Equal(t, []string{fp}, s.rejected.pending(at))
	dropped, err = s.reject(fp, at.add(time.Second))
	assert.True(t, dropped == nil && err == nil, "a repetition")

	assert.False(t, s.take(onItsWay, false, at).usable, "a look from before")
	assert.False(t, s.take(s.word("a", time.Hour, 0, at, redis), false, at).usable, "Redis does not know")
	s.rejected.told(fp, s.rejected[fp].number, false, redis, s.anchor.epoch)
	assert.False(t, s.take(s.word("a", time.Hour, 0, at, redis), false, at).usable, "it has no later word")
	assert.True(t, s.take(s.word("a", time.Hour, -time.Millisecond, at, redis.Add(time.Second)), false, at).usable, "handed out again")
	_, err = s.reject(fp, at.add(coolDown-1))
	require.ErrorIs(t, err, ErrCoolDown)
	assert.Equal(t, "a", s.holds(at))
	dropped, err = s.reject(fp, at.add(coolDown))
	require.NoError(t, err)
	assert.NotNil(t, dropped)
}

// I1: of a rejection and the issuer's word the later one counts, by the clock that is one.
func TestI1ShelfHearsRejections(t *testing.T) {
	for edge, test := range map[string]struct {
		at   time.Duration // of the rejection, after the look
		word time.Duration // of the issuer's, after the look
		want string
	}{
		"later than the word":             {time.Second, 0, ""},
		"at the moment of the word":       {0, 0, ""},
		"earlier, within the tolerance":   {-time.Second, 0, "a"},
		"late by an hour":                 {-time.Hour, 0, ""},
		"dated ahead, by another clock":   {time.Hour, 0, ""},
		"earlier than a word from before": {-time.Second, -time.Millisecond, "a"},
	} {
		t.Run(edge, func(t *testing.T) {
			at, redis := now(), time.UnixMilli(1_700_000_000_000)
			s := shelfOf(t, at, redis)
			s.take(s.word("a", time.Hour, -test.word, at, redis), false, at)
			h := wire.RejectionHint{Fingerprint: wire.Fingerprint("a", ""), At: redis.Add(test.at)}
			dropped := s.hearRejection(h, at)
			assert.Equal(t, test.want, s.holds(at))
			assert.Equal(t, test.want == "", dropped != nil)
			assert.Nil(t, s.hearRejection(h, at), "told again")
		})
	}
}

// I1: a rejection may overtake what it is about: the event of the token is late, or the answer to a
// look. It comes within the cool-down of an earlier one, so that it is of a later moment by Redis'
// clock alone: by this process' clocks, and by the order of questions, it is the earlier one.
func TestI1ShelfRejectionOvertakesTheToken(t *testing.T) {
	const ms = time.Millisecond
	fp := wire.Fingerprint("a", "")
	for way, adopt := range map[string]func(s *shelf, at instant, confirmed time.Time) taken{
		"the event": func(s *shelf, at instant, confirmed time.Time) taken { // 1,400 ms late
			h := wire.TokenHint{Fingerprint: fp, Life: feishuLife}
			h.At = wire.TokenTimes{StoredAt: confirmed, CheckedAt: confirmed, EndsAt: confirmed.Add(time.Hour)}
			a, ok := s.believe(h, NewToken("a", "", feishuLife), s.nextNumber(), at)
			require.True(t, ok)
			return s.take(a, false, at)
		},
		"the look": func(s *shelf, at instant, confirmed time.Time) taken { // 1,400 ms on its way back
			sent := at.add(-1400 * ms)
			s.anchor = s.anchor.next(sent, confirmed)
			return s.take(s.word("a", time.Hour, 0, sent, confirmed), false, at)
		},
	} {
		for when, rejected := range map[string]time.Duration{"after it": 500 * ms, "at its moment": 0, "before it": -ms} {
			t.Run(way+", rejected "+when, func(t *testing.T) {
				at, redis := now(), time.UnixMilli(1_700_000_000_000)
				s := shelfOf(t, at, redis)
				s.take(s.word("a", time.Hour, time.Minute, at, redis), false, at)
				_, err := s.reject(fp, at)
				require.NoError(t, err)
				s.rejected.told(fp, s.rejected[fp].number, false, redis, s.anchor.epoch)
				again := s.word("a", time.Hour, -time.Second, at, redis)
				require.True(t, s.take(again, false, at.add(time.Second)).usable, "handed out again")

				at, redis = at.add(42*time.Second), redis.Add(42*time.Second)
				s.hearRejection(wire.RejectionHint{Fingerprint: fp, At: redis.Add(rejected)}, at.add(600*ms))
				got := adopt(s, at.add(1400*ms), redis)
				assert.Equal(t, rejected < 0, got.usable)
			})
		}
	}
}

// I1: a later word of the issuer's ends the copy, also if it leaves nothing that could be handed out.
// What Redis or somebody else makes of the same word does not.
func TestI1ShelfEndsACopy(t *testing.T) {
	const ago = time.Minute
	for edge, test := range map[string]struct {
		left, checked time.Duration
		own, inRedis  bool
		ended         bool
	}{
		"little, asked since":          {8 * time.Second, ago - 1, false, true, true},
		"nothing, asked since":         {-time.Second, ago - 1, false, true, true},
		"little, the same word":        {8 * time.Second, ago, false, true, false},
		"little, asked before":         {8 * time.Second, ago + 1, false, true, false},
		"little, our own question":     {8 * time.Second, 0, true, false, true},
		"little, of an event":          {8 * time.Second, ago - 1, false, false, true},
		"more than is never given out": {11 * time.Second, ago - 1, false, true, false},
	} {
		t.Run(edge, func(t *testing.T) {
			at, redis := now(), time.UnixMilli(1_700_000_000_000)
			s := shelfOf(t, at, redis)
			s.take(s.word("a", time.Hour, ago, at, redis), false, at)
			a := s.word("a", test.left, test.checked, at, redis)
			a.own, a.inRedis = test.own, test.inRedis
			got := s.take(a, false, at)
			assert.Equal(t, test.ended, got.ended)
			assert.Equal(t, !test.ended, got.usable)
			assert.Equal(t, !test.ended, s.usable(at) != nil)
			assert.False(t, s.take(s.word("a", time.Hour, ago, at, redis), false, at).usable && test.ended, "the older word again")
			other := s.take(s.word("b", 8*time.Second, 0, at, redis), false, at)
			assert.False(t, other.ended, "a word on another token")
			assert.True(t, s.take(s.word("a", 2*time.Hour, -1, at, redis), false, at).usable, "handed out again")
		})
	}
}

// I1: a copy of a token's last seconds, of the issuer's own word on them, is not ended by a record or an
// event that says the same of the whole life, of which these seconds are never handed out.
func TestI1ShelfKeepsWhatIsConfirmed(t *testing.T) {
	at, redis := now(), time.UnixMilli(1_700_000_000_000)
	s := shelfOf(t, at, redis)
	short := adoption{token: NewToken("a", "", 9*time.Second), remaining: 9 * time.Second, at: at, asked: s.nextNumber(), own: true}
	require.True(t, s.take(short, false, at).usable)
	at, redis = at.add(3*time.Second), redis.Add(3*time.Second)
	for range 3 {
		got := s.take(s.word("a", 6*time.Second, 0, at, redis), false, at)
		assert.True(t, got.usable && !got.ended)
		at, redis = at.add(100*time.Millisecond), redis.Add(100*time.Millisecond)
	}
	ended := s.take(s.word("a", time.Second, 0, at, redis), false, at)
	assert.True(t, ended.ended && !ended.usable, "it says less")
}

// I2: an event's token is believed only if its times agree with the last look, and then for the
// least that both allow.
func TestI2ShelfBelieves(t *testing.T) {
	const s, ms = time.Second, time.Millisecond
	for edge, test := range map[string]struct {
		stored time.Duration // by Redis' clock, after the look
		passed time.Duration // by ours
		left   time.Duration // when it was stored
		want   time.Duration // 0: not believed
	}{
		"at once":           {s, s, time.Hour, time.Hour},
		"late":              {s, 3 * s, time.Hour, time.Hour - 2*s},
		"too late":          {s, 3*s + ms, time.Hour, 0},
		"ahead":             {s + 50*ms, s, time.Hour, time.Hour},
		"too far ahead":     {s + 51*ms, s, time.Hour, 0},
		"before the look":   {-ms, s, time.Hour, 0},
		"with the look":     {0, 0, time.Hour, 0},
		"longer than it is": {s, s, 3 * time.Hour, feishuLife},
	} {
		t.Run(edge, func(t *testing.T) {
			at, redis := now(), time.UnixMilli(1_700_000_000_000)
			shelf := shelfOf(t, at, redis)
			stored := redis.Add(test.stored)
			h := wire.TokenHint{Fingerprint: wire.Fingerprint("a", ""), Life: feishuLife, At: wire.TokenTimes{StoredAt: stored, CheckedAt: stored.Add(-ms), EndsAt: stored.Add(test.left)}}
			a, ok := shelf.believe(h, NewToken("a", "", feishuLife), shelf.nextNumber(), at.add(test.passed))
			assert.Equal(t, test.want > 0, ok)
			assert.Equal(t, test.want, a.remaining)
		})
	}
}

// Run may begin while a copy is brought to Redis: it is known there all the same, and refreshed
// as Run has it.
func TestRunBeginsDuringAPutBack(t *testing.T) {
	at, redis := now(), time.UnixMilli(1_700_000_000_000)
	s := shelfOf(t, at, redis)
	s.take(adoption{token: NewToken("a", "", feishuLife), remaining: feishuLife, at: at, own: true, unpublished: true}, false, at)
	before := s.copy.Load()
	s.placeRefresh(true)
	s.published(before)
	after := s.copy.Load()
	assert.False(t, after.unpublished)
	assert.Equal(t, windowOf(feishuWindow, feishuLife, true, float64(before.draw)), after.window)

	s.take(adoption{token: NewToken("b", "", feishuLife), remaining: feishuLife + time.Hour, at: at, own: true, unpublished: true}, false, at)
	s.published(before)
	assert.True(t, s.copy.Load().unpublished, "of another token nothing is known")
}

// shelfOf is an empty shelf whose process has looked at that moment, of both clocks.
func shelfOf(t testing.TB, at instant, redis time.Time) *shelf {
	t.Helper()
	draws, err := newJitter(func() float64 { return 0.5 })
	require.NoError(t, err)
	s := &shelf{copy: new(atomic.Pointer[localCopy]), window: feishuWindow, jitter: draws, rejected: make(rejections)}
	s.anchor = s.anchor.next(at, redis)
	return s
}

// word is what Redis holds of the token of that name: what is left of it, and how long ago the
// issuer was asked for its last word on it.
func (s *shelf) word(name string, remaining, checked time.Duration, at instant, redis time.Time) adoption {
	return adoption{
		token: NewToken(name, "", feishuLife), remaining: remaining, at: at, asked: s.nextNumber(), inRedis: true,
		checked: checked, checkedAt: redis.Add(-checked), redisNow: redis,
	}
}

func (s *shelf) holds(at instant) string {
	c := s.usable(at)
	if c == nil {
		return ""
	}
	app, _ := c.token.reveal()
	return app
}
