package tokencache

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
)

// F15: what trouble with Redis leaves behind is there in one step. Whoever comes while a fill goes
// around Redis finds nothing that fails him, not for a moment.
func TestF15TroubleAndWhatFollows(t *testing.T) {
	for then, want := range map[aftermath]struct{ held, fails bool }{
		fillsGoOn: {}, fillsFail: {held: true, fails: true}, fillsWait: {held: true},
	} {
		s := lonelySource(t)
		s.engine.link.redisTrouble(errors.New("for the test"), then)
		h := holdOf(s)
		assert.Equal(t, want.held, h.rest(now()) > 0, then)
		assert.Equal(t, want.fails, h.err != nil, then)
	}
}
