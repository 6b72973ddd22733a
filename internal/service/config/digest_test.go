package config

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// Where one text ends and the next begins is part of a digest.
func TestDigestOf(t *testing.T) {
	assert.Equal(t, digestOf("ab", "c"), digestOf("ab", "c"))
	seen := map[string]bool{}
	for _, texts := range [][]string{{}, {""}, {"", ""}, {"abc"}, {"ab", "c"}, {"a", "bc"}, {"c", "ab"}} {
		digest := digestOf(texts...)
		assert.False(t, seen[digest], "%q", texts)
		seen[digest] = true
	}
}
