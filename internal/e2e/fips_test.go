package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

// Go's FIPS 140 module takes all that is done here, a short secret as well. In the mode that forbids
// everything else the process ends before any code of ours: README.md says so, and why.
func TestFIPS140(t *testing.T) {
	const short = "s3c/t"
	w := newWorld(t, feishutest.Config{})
	w.issuer.SetAppSecret(short)
	w.env["FEISHU_APP_SECRET"] = short
	w.env["GODEBUG"] = "fips140=on"
	w.tokens(w.many(3, "token"))
	assert.Equal(t, 1, w.issuer.Stats().Calls)

	w.env["GODEBUG"] = "fips140=only"
	r := w.run("token")
	assert.NotZero(t, r.code)
	assert.Contains(t, r.stderr, "use of SHA-1 is not allowed in FIPS 140-only mode")
	assertNone(t, r.stdout+r.stderr, short)
}
