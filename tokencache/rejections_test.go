package tokencache

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/wire"
)

func TestRejectionForbidsWhatWasAskedBefore(t *testing.T) {
	at, r := now(), make(rejections)
	assert.False(t, r.forbid("x", adoption{asked: 1}), "nothing was rejected")
	r.add("x", rejection{number: 5}, at)
	assert.True(t, r.forbid("x", adoption{asked: 4, own: true}), "our own call, but begun before")
	assert.True(t, r.forbid("x", adoption{asked: 6}), "from a Redis that does not know yet")
	assert.False(t, r.forbid("x", adoption{asked: 6, own: true}), "the issuer handed it out again")
	assert.False(t, r.forbid("y", adoption{asked: 4}), "another token")

	r.told("x", 5, false, time.Time{}, 0)
	assert.True(t, r.forbid("x", adoption{asked: 4}))
	assert.False(t, r.forbid("x", adoption{asked: 6, at: at}), "stored again since")
}

// F16: a failover may bring back what was rejected, and forget that it was. How long
// ago the issuer last confirmed the token tells.
func TestF16RejectionForbidsWhatAFailoverBroughtBack(t *testing.T) {
	at, r := now(), make(rejections)
	r.add("x", rejection{number: 5, told: true}, at)
	at = at.add(10 * time.Second)
	stored := func(checked time.Duration) adoption { return adoption{asked: 6, checked: checked, at: at} }
	assert.True(t, r.forbid("x", stored(wire.LongestLife)), "nobody knows when")
	assert.True(t, r.forbid("x", stored(10*time.Second+1)))
	assert.False(t, r.forbid("x", stored(10*time.Second)), "handed out again at that very moment")
	assert.False(t, r.forbid("x", stored(time.Second)), "handed out again since")

	r.told("x", 5, true, time.Time{}, 0)
	assert.False(t, r.forbid("x", stored(time.Hour)), "Redis says that it was, before this process saw a rejection")
}

func TestF39RejectionAgainWhileTheFirstIsTold(t *testing.T) {
	at, r := now(), make(rejections)
	r.add("x", rejection{number: 5}, at)
	first := r["x"].nonce
	r.add("x", rejection{number: 9}, at) // before the news of the first came back
	assert.Equal(t, []string{"x"}, r.pending(at), "still to be told")
	assert.Equal(t, first, r["x"].nonce, "within the cool-down it is the same")
	assert.False(t, r.forbid("x", adoption{asked: 7, own: true}), "what was asked for after the first")
	r.told("x", 5, false, time.Time{}, 0)
	assert.Empty(t, r.pending(at))
	r.told("never rejected", 1, false, time.Time{}, 0)
	assert.Len(t, r, 1)
}

func TestRejectionCoolsDown(t *testing.T) {
	at, r := now(), make(rejections)
	assert.False(t, r.cooling("x", at))
	for _, cool := range []time.Duration{
		time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 16 * time.Minute, 30 * time.Minute, 30 * time.Minute,
	} {
		r.add("x", rejection{number: 1, told: true}, at)
		at = at.add(cool - 1)
		assert.True(t, r.cooling("x", at), "%v - 1 ns", cool)
		at = at.add(time.Nanosecond)
		assert.False(t, r.cooling("x", at), "%v", cool)
	}
}

func TestPendingRejectionsAreInOrder(t *testing.T) {
	at, r := now(), make(rejections)
	for _, number := range []uint64{7, 3, 9, 1} {
		r.add(fmt.Sprint(number), rejection{number: number}, at)
	}
	r.told("3", 3, false, time.Time{}, 0)
	assert.Equal(t, []string{"1", "7", "9"}, r.pending(at))
}

func TestRejectionsAreBounded(t *testing.T) {
	at, r := now(), make(rejections)
	for i := range uint64(1000) {
		r.add(fmt.Sprint(i), rejection{number: i + 1, told: true}, at)
		require.LessOrEqual(t, len(r), maxRejections)
	}
	assert.True(t, r.forbid("999", adoption{asked: 0, own: true}))
	assert.True(t, r.forbid(fmt.Sprint(1000-maxRejections), adoption{asked: 0, own: true}), "the oldest that is kept")
	assert.False(t, r.forbid(fmt.Sprint(999-maxRejections), adoption{asked: 0, own: true}))
}

// Nor are those bounded by Redis' being there: of the rejections that it cannot be told,
// that of the token which it may still hand out is kept longest.
func TestUntoldRejectionsAreBounded(t *testing.T) {
	at, r := now(), make(rejections)
	r.add("stored", rejection{number: 1, stored: true}, at)
	r.add("told", rejection{number: 2, told: true}, at)
	for i := range uint64(2000) {
		r.add(fmt.Sprint(i), rejection{number: i + 3}, at)
		require.LessOrEqual(t, len(r), maxRejections)
	}
	assert.Equal(t, "stored", r.pending(at)[0])
	assert.Equal(t, "1999", r.pending(at)[maxRejections-1], "the last one too")
	assert.NotContains(t, r, "told", "the first to be forgotten")
}

// F57: an event that is late tells of an earlier moment than that which this process knows, or of
// one that it cannot compare. It makes nothing earlier, and has nothing cool.
func TestF57LateRejectionsChangeNoOther(t *testing.T) {
	redis := time.UnixMilli(1_700_000_000_000)
	late := wire.RejectionHint{Fingerprint: "x", At: redis.Add(-time.Hour)}
	for edge, known := range map[string]rejection{
		"dated by Redis":       {number: 5, told: true, redis: redis},
		"of an unknown moment": {number: 5, told: true},
		"not told yet":         {number: 5},
		"to be told again":     {number: 5, told: true, redis: redis, due: time.Second},
	} {
		at, r := now(), make(rejections)
		r.add("x", known, at)
		before := r["x"]
		r.addLate(late, 9, true, 0, at)
		after := r["x"]
		assert.True(t, after.hasHeard(late.At), edge)
		assert.True(t, r.forbid("x", adoption{asked: 8, own: true}), "%s: a call under way", edge)
		assert.False(t, r.forbid("x", adoption{asked: 9, own: true}), "%s: a call since", edge)
		assert.Equal(t, uint64(5), after.number, "%s: what Redis is being told", edge)
		after.late, after.heard = before.late, before.heard
		assert.Equal(t, before, after, edge)
	}
	at, r := now(), make(rejections)
	r.addLate(late, 9, true, 0, at)
	assert.False(t, r.cooling("x", at))
	assert.True(t, r.forbid("x", adoption{asked: 8, own: true}), "a look under way")
	for i := range 100 {
		r.addLate(wire.RejectionHint{Fingerprint: "x", At: redis.Add(time.Duration(i))}, 10, true, 0, at)
	}
	assert.Len(t, r["x"].heard, mostHeard)
	assert.Equal(t, redis.Add(99), r["x"].redis, "a later one counts")
}

// F46: a rejection and a word of the issuer's are compared by Redis' clock if that was one clock.
// A successor whose clock is behind has the issuer confirm the token later, at an earlier time.
func TestF46RejectionDatedByAnotherClock(t *testing.T) {
	redis := time.UnixMilli(1_700_000_000_000)
	at, r := now(), make(rejections)
	r.add("x", rejection{number: 5, told: true, redis: redis, epoch: 1}, at)
	at = at.add(10 * time.Second)
	confirmed := adoption{asked: 6, at: at, checked: 2 * time.Second, checkedAt: redis.Add(-7 * time.Second), redisNow: redis.Add(time.Second), epoch: 1}
	assert.True(t, r.forbid("x", confirmed), "by one clock it is the earlier")
	confirmed.epoch = 2
	assert.False(t, r.forbid("x", confirmed), "by ours it is the later")
	confirmed.checked = 11 * time.Second
	assert.True(t, r.forbid("x", confirmed))
}
