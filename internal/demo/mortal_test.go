package demo

import (
	"bytes"
	"log/slog"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
)

// The dead do not speak, and what was derived from their logger neither.
func TestMortalLogger(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	var dead atomic.Bool
	logger := slog.New(mortal{slog.NewTextHandler(&out, nil), &dead}).With("replica", 7).WithGroup("g")
	logger.Info("alive", "n", 1)
	assert.Contains(t, out.String(), "msg=alive replica=7 g.n=1")
	dead.Store(true)
	logger.Error("dead")
	assert.NotContains(t, out.String(), "msg=dead")
}
