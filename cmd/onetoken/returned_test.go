package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/tokencache"
)

// An issuer hands the same token out until its window opens, whatever was said of it.
func TestTokenThatCameBackIsToldOf(t *testing.T) {
	t.Parallel()
	const says = "onetoken: this token was rejected before, and the issuer has handed it out again: see why it is rejected, as asking once more brings the same\n"
	town := newTown(t)
	first := town.run(t, "token")
	require.Equal(t, result{exitOK, town.issuer.Pairs()[0].App + "\n", ""}, first)
	require.Equal(t, exitOK, world{town.env, first.stdout}.run(t, "invalidate", "-").code)
	for name, args := range map[string][]string{
		"asked again": {"token"}, "from redis": {"token", "--kind", "app"}, "forced": {"refresh"}, "as JSON": {"token", "--json"},
	} {
		got := town.run(t, args...)
		assert.Equal(t, exitOK, got.code, name)
		assert.Equal(t, says, got.stderr, name)
		assert.Equal(t, name == "as JSON", strings.Contains(got.stdout, `,"handed_out_again":true}`), name)
	}
	assert.Len(t, town.issuer.Pairs(), 1, "it is the same one")

	town.issuer.SetRemaining(time.Minute) // in its window
	require.Equal(t, exitOK, town.run(t, "refresh").code)
	assert.Empty(t, town.run(t, "token").stderr, "another one was not refused")
	assert.Contains(t, town.run(t, "token", "--json").stdout, `,"handed_out_again":false}`)

	// Kept for the others, because a replica that refuses all has refused it alone, it was not handed out again.
	fresh := tokencache.NewToken(town.issuer.Pairs()[1].App, town.issuer.Pairs()[1].Tenant, time.Hour)
	require.NoError(t, town.redis.Set(town.key(t, "rejected:"+fresh.Fingerprint()), "1 1 n alone"))
	assert.Contains(t, town.run(t, "token", "--json").stdout, `,"handed_out_again":false}`)
	town.redis.Close()
	assert.Contains(t, town.run(t, "token", "--json").stdout, `,"handed_out_again":null}`, "nobody says")
}
