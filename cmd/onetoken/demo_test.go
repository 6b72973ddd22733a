package main

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestDemoInterrupted(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer stop()
	got := world{}.runUntil(t, ctx, "demo", "--replicas", "2")
	assert.Equal(t, exitFailed, got.code)
	assert.Contains(t, got.stdout, "successful calls")
	assert.Contains(t, got.stderr, "interrupted")
}
