package tokencache

import (
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/internal/wire"
)

func TestCopyAges(t *testing.T) {
	from := now()
	c := feishuCopy(feishuLife, from)
	for _, test := range []struct {
		name      string
		age       time.Duration
		remaining time.Duration
		phase     phase
	}{
		{"new", 0, 2 * time.Hour, fresh},
		{"90.5 min - 1 ns", 5430*time.Second - 1, 1770*time.Second + 1, fresh},
		{"90.5 min", 5430 * time.Second, 1770 * time.Second, due},
		{"118 min", 118 * time.Minute, 2 * time.Minute, urgent},
		{"2 h - 10 s - 1 ns", 7190*time.Second - 1, 10*time.Second + 1, urgent},
		{"2 h - 10 s", 7190 * time.Second, 10 * time.Second, dead},
		{"3 h", 3 * time.Hour, -time.Hour, dead},
	} {
		t.Run(test.name, func(t *testing.T) {
			at := from.add(test.age)
			assert.Equal(t, test.remaining, c.remainingAt(at))
			assert.Equal(t, test.phase, c.phaseAt(at))
			assert.Equal(t, test.phase != dead, c.usableAt(at))
			assert.Equal(t, test.phase == fresh, at.since(c.from) < c.freshFor(), "what Get asks")
		})
	}
}

func TestF24SuspendedHost(t *testing.T) {
	from := now()
	c := feishuCopy(feishuLife, from)
	assert.Equal(t, due, c.phaseAt(moved(from, time.Second, 100*time.Minute)))
	assert.False(t, c.usableAt(moved(from, time.Second, 2*time.Hour)), "the first look after waking up")
	assert.False(t, c.usableAt(moved(from, time.Second, 30*24*time.Hour)))
}

func TestF23ClockSteps(t *testing.T) {
	from := now()
	c := feishuCopy(feishuLife, from)
	assert.False(t, c.usableAt(moved(from, 2*time.Hour, -time.Hour)), "stepped back: the monotonic clock counts")
	assert.Equal(t, fresh, c.phaseAt(moved(from, time.Hour, -time.Hour)))
	assert.False(t, c.usableAt(moved(from, time.Hour, 5*time.Hour)), "stepped forward: too old rather than too young")
}

func TestCopyTellsItsTokensEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from := now()
		time.Sleep(3 * time.Second) // the answer was on its way
		c := feishuCopy(4567*time.Second, from)
		assert.Equal(t, time.Now().Add(4564*time.Second).UnixNano(), c.token.Expiry().UnixNano())
		assert.Equal(t, "a", c.token.AppAccessToken())
		assert.Equal(t, feishuLife, c.token.life())
	})
}

func TestNoCopy(t *testing.T) {
	var none *localCopy
	assert.False(t, none.usableAt(now()))
	assert.False(t, none.is(""))
	assert.True(t, feishuCopy(feishuLife, now()).is(wire.Fingerprint("a", "t")))
}

// Among thousands of Sources a Get waits for memory, so what it reads is a line of
// the processor's cache each: see bench.
func TestWhatAGetReadsIsClose(t *testing.T) {
	assert.LessOrEqual(t, unsafe.Sizeof(localCopy{}), uintptr(64))
	assert.LessOrEqual(t, unsafe.Sizeof(Source{}), uintptr(16))
}
