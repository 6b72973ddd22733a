package tokencache

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestEventKindsHaveNames(t *testing.T) {
	names := map[string]bool{}
	for kind := EventWait; kind <= EventClosed; kind++ {
		assert.Regexp(t, "^[a-z_]+$", kind.String())
		assert.False(t, names[kind.String()], "%v twice", kind)
		names[kind.String()] = true
	}
	assert.Empty(t, EventKind(0).String())
	assert.Empty(t, (EventClosed + 1).String())
}
