package doctor

import (
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/tokencache"
)

func TestFailureHasAdvice(t *testing.T) {
	t.Parallel()
	p := newPatient(Config{})
	assert.NotEmpty(t, p.failure("rehearsal", errors.New("a rejected token was handed out again")).Advice, "there is always something to do")

	hungUp := &tokencache.RedisError{Trouble: tokencache.TroubleUnreachable, Err: io.EOF}
	f := p.failure("redis", hungUp)
	assert.Equal(t, "redis unreachable: EOF", f.Found, "without what to do")
	assert.Contains(t, f.Advice, hungUp.Advice(), "for a server that hangs up it is more than for one that is not there")
}
