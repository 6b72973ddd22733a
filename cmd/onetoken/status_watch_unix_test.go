//go:build unix

package main

import (
	"bufio"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
)

// As with head: nobody waits for news that would not be read.
func TestStatusWatchEndsWithItsReader(t *testing.T) {
	t.Parallel()
	var state atomic.Value
	state.Store("fresh")
	server := reporting(t, &state) // it has one piece of news, and no more
	in, out, err := os.Pipe()
	require.NoError(t, err)
	defer out.Close()
	var stderr redistest.Output
	code := make(chan int, 1)
	go func() {
		code <- run(t.Context(), []string{"status", "--watch", "--service", server.URL}, func(string) string { return "" }, strings.NewReader(""), out, &stderr)
	}()
	line, err := bufio.NewReader(in).ReadString('\n')
	require.NoError(t, err)
	assert.Contains(t, line, server.URL)
	require.NoError(t, in.Close())
	select {
	case got := <-code:
		assert.Equal(t, exitFailed, got)
		assert.Equal(t, "onetoken: standard output: broken pipe\n", stderr.String())
	case <-time.After(20 * time.Second):
		t.Fatal("it goes on for nobody")
	}
}
