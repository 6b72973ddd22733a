package doctor

import (
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
)

// The last line stays one that can be read, however many checks have failed.
func TestChartNamesSomeThatFailed(t *testing.T) {
	t.Parallel()
	c := &chart{out: io.Discard}
	assert.NoError(t, c.err())
	for i, want := range []string{
		"do it; 1 check failed: credential app-0", "do it; 2 checks failed: credential app-0, credential app-1",
		"do it; 3 checks failed: credential app-0, credential app-1, credential app-2",
		"do it; 4 checks failed: credential app-0, credential app-1, credential app-2 and 1 more",
	} {
		c.addOf(fmt.Sprintf("app-%d", i), finding{"credential", checkFail, "no token", "do it"})
		c.addOf("good", finding{"credential", checkOK, "", ""})
		assert.EqualError(t, c.err(), want)
	}
}
