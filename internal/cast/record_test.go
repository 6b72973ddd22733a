package cast

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func frame(at time.Duration, rows ...string) (f Frame) {
	f.At = at
	for _, row := range rows {
		f.Rows = append(f.Rows, Row{{0, row}})
	}
	return f
}

func TestThinKeepsAFrameAStepAndEveryEvent(t *testing.T) {
	const tenth = 100 * time.Millisecond
	var all []Frame
	for i := range 10 {
		story := "kill 0"
		if i >= 5 {
			story = "kill 1 replica 7"
		}
		all = append(all, frame(time.Duration(i)*tenth, fmt.Sprintf("[%.*s] %d s", i, "##########", i), story))
	}
	all = append(all, frame(10*tenth), frame(10*tenth, "the end"))
	var kept []time.Duration
	for _, f := range Thin(all, 3*tenth) {
		kept = append(kept, f.At/tenth)
	}
	assert.Equal(t, []time.Duration{0, 3, 5, 8, 10}, kept, "5 is the kill")
	last := Thin(all, 3*tenth)[4]
	assert.Equal(t, []string{"the end"}, texts(last), "and not the screen that was wiped for it")
}
