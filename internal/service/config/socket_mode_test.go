package config

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"go.yaml.in/yaml/v3"
)

// On Windows a file without a mode is as good as any, and one with a mode says more than can be kept.
func TestSocketModeWhereSocketsHaveNone(t *testing.T) {
	in := &inputs{tree: tree{complaints: complaints{told: map[string]bool{}}}}
	assert.Zero(t, in.socketMode(value{}, false), "then the listener asks for no mode")
	assert.Empty(t, in.all)
	assert.Zero(t, in.socketMode(value{path: "tokens.socket_mode", node: &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: "0660"}}, false))
	if assert.Len(t, in.all, 1) {
		assert.Contains(t, in.all[0].Text, "sockets have no modes: leave it out")
	}
}
