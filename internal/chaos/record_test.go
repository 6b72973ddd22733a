package chaos

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRecordsArrive(t *testing.T) {
	began := time.Now()
	var writes lines
	out := &recorder{began: began, out: &writes}
	out.step(stepBorn)
	out.get(held(s, 2*s, "a"))
	out.get(failed(first(2*s, 3*s, "")))
	out.stall(began.Add(s), began.Add(s+30*ms), 20*ms)
	out.step(stepDirect)
	out.step(stepTakeover)
	out.step(stepEnded)
	require.Len(t, writes, 7, "a write for each")

	var p process
	for _, line := range writes {
		assert.Equal(t, 1, bytes.Count(line, []byte("\n")))
		var r record
		require.NoError(t, json.Unmarshal(line, &r))
		p.take(r)
	}
	assert.Positive(t, p.Born)
	assert.Equal(t, []get{held(s, 2*s, "a"), failed(first(2*s, 3*s, ""))}, p.Gets)
	assert.Equal(t, []stall{{period{s, s + 30*ms}, 20 * ms}}, p.Stalls)
	assert.Len(t, p.Direct, 1)
	assert.Len(t, p.Takeovers, 1)
	assert.True(t, p.Ended)
}

// lines are what was written, a write each.
type lines [][]byte

func (l *lines) Write(b []byte) (int, error) {
	*l = append(*l, bytes.Clone(b))
	return len(b), nil
}

func TestStreak(t *testing.T) {
	quick := func(start time.Duration, token string) get { return held(start, start+ms/2, token) }
	var k streak
	assert.Equal(t, []get{first(0, 300*ms, "a")}, k.add(first(0, 300*ms, "a")), "the first token, at once")
	assert.Empty(t, k.add(quick(s, "a")))
	assert.Empty(t, k.add(quick(s+10*ms, "a")))
	due := k.add(quick(s+together, "a"))
	require.Len(t, due, 1, "enough of them")
	assert.Equal(t, get{First: s, Start: s + together, End: s + together + ms/2, Count: 3, Usable: 2*s + together, Token: "a", Ends: ends["a"], Worst: ms / 2}, due[0])

	assert.Empty(t, k.add(quick(2*s, "a")))
	due = k.add(quick(2*s+10*ms, "b"))
	require.Len(t, due, 2, "those before, then another token, at once")
	assert.Equal(t, 1, due[0].Count)
	assert.Equal(t, "b", due[1].Token)

	slow := held(3*s, 3*s+fast, "b")
	assert.Equal(t, []get{slow}, k.add(slow), "slow")
	bare := first(3*s, 3*s, "b")
	assert.Equal(t, []get{bare}, k.add(bare), "without a copy")
	bad := failed(quick(3*s, ""))
	assert.Equal(t, []get{bad}, k.add(bad))

	assert.Equal(t, []get{quick(4*s, "b")}, k.add(quick(4*s, "b")), "after a failure any token is another")
	assert.Empty(t, k.flush())
	assert.Empty(t, k.add(quick(5*s, "b")))
	assert.Len(t, k.flush(), 1)
	assert.Empty(t, k.flush())
}
