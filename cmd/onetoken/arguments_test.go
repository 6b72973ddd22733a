package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What somebody gives as an argument or a flag, in whatever command, may be a token or a secret:
// no error quotes it, and each is about usage.
func TestArgumentsAreNotQuoted(t *testing.T) {
	t.Parallel()
	const token = "t-g1049abc"
	commands := []string{"", "token", "status", "refresh", "invalidate", "doctor", "refresher", "issuer", "demo", "help", "completion bash"}
	for _, command := range commands {
		for _, given := range [][]string{
			{token}, {"-" + token}, {"--" + token}, {"--" + token + "=1"}, {"--=" + token}, {"---" + token},
			{"--log-level", token}, {"--log-format=" + token}, {"--help=" + token},
		} {
			args := append(strings.Fields(command), given...)
			got := newTown(t).run(t, args...)
			assert.Equal(t, exitUsage, got.code, args)
			assert.Empty(t, got.stdout, args)
			assert.NotContains(t, got.stderr, "g1049abc", args)
			assert.Equal(t, 1, strings.Count(got.stderr, "\n"), "%s %s", args, got.stderr)
		}
	}
	for flag, says := range map[string]string{
		"token --kind": "one of app, tenant", "token --timeout": "such as 30s", "token --json=": "true or false",
		"status --watch=": "", "refresher --check=": "true or false", "issuer --life": "such as 30s", "demo --replicas": "a whole number",
	} {
		args := strings.Fields(flag)
		if last := len(args) - 1; strings.HasSuffix(flag, "=") {
			args[last] += token
		} else {
			args = append(args, token)
		}
		got := newTown(t).run(t, args...)
		assert.Equal(t, exitUsage, got.code, flag)
		assert.Contains(t, got.stderr, says, flag)
		assert.NotContains(t, got.stderr, "g1049abc", flag)
	}
	got := newTown(t).run(t, "tokn")
	require.Equal(t, exitUsage, got.code)
	assert.Equal(t, "onetoken: there is no such command; there is token (see onetoken -h)\n", got.stderr)
	assert.Contains(t, newTown(t).run(t, "help", "token").stdout, "onetoken token")
}

// The issuer hands a rejected token out again, which is no news.
func TestRefreshTellsOfARefusedToken(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	require.Equal(t, exitOK, town.run(t, "token").code)
	require.Equal(t, exitOK, town.run(t, "invalidate").code)
	got := town.run(t, "refresh")
	assert.Equal(t, exitOK, got.code)
	assert.Contains(t, got.stdout, "the issuer gave the rejected token again: ")
	assert.NotContains(t, got.stdout, "new")
	assert.Contains(t, got.stderr, "rejected before")
}
