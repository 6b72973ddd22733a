package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An empty value is no flag that was left out: what the environment names would be shown, checked or kept in its place.
func TestEmptyFlags(t *testing.T) {
	t.Parallel()
	for _, command := range []string{
		"status --service", "status --config", "status --service 127.0.0.1:1 --ca-file", "status --service 127.0.0.1:1 --cert-file",
		"status --service 127.0.0.1:1 --key-file", "doctor --config", "doctor --config x --ca-file", "refresher --listen x --config", "refresher --check --config",
	} {
		town := newTown(t)
		require.Equal(t, exitOK, town.run(t, "token").code)
		got := town.run(t, append(strings.Fields(command), "")...)
		assert.Equal(t, exitUsage, got.code, command)
		assert.Contains(t, got.stderr, " is empty: is a variable not set? Say something, or leave the flag out", command)
		assert.Equal(t, 1, strings.Count(got.stderr, "\n"), got.stderr)
		assert.Empty(t, got.stdout, command)
	}
	got := newTown(t).run(t, "doctor", "--config", "x", "--service", "")
	assert.Equal(t, exitUsage, got.code)
	assert.Contains(t, got.stderr, "--service has to be where the status of a service is")
	assert.Equal(t, exitUsage, newTown(t).run(t, "doctor", "--service", "").code)
}
