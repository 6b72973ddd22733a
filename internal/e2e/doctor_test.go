package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/acl"
)

// Under the user that the documentation proposes all is well, also while others
// are at work; then Redis goes away.
func TestDoctor(t *testing.T) {
	w := newWorld(t, feishutest.Config{})
	const password = "redis-p4ss/word+=="
	rule := []any{"ACL", "SETUSER", "onetoken", "reset", "on", ">" + password}
	for word := range strings.FieldsSeq(acl.Rules("onetoken", true)) {
		rule = append(rule, word)
	}
	w.redis.Exec(rule...)
	w.env["REDIS_URL"] = "redis://onetoken:" + escaped(password) + "@" + w.redis.Addr()
	w.tokens(w.many(3, "token"))

	for _, r := range w.many(5, "doctor") {
		assert.Zero(t, r.code, r.stdout+r.stderr)
		assert.Empty(t, r.stderr)
		assert.Contains(t, r.stdout, "\nok       permissions    all 22 commands, the keys and the channels; not tried: select (database 0 does not need it)\n")
		assert.NotContains(t, r.stdout, password)
		assert.NotContains(t, r.stdout, secret)
	}
	assert.Equal(t, 1, w.issuer.Stats().Calls)
	assert.Len(t, w.keys(""), 1, "nothing is left but the token")

	w.redis.Kill()
	r := w.run("doctor", "--json")
	assert.Equal(t, 1, r.code)
	var said struct {
		Checks []struct{ Name, Status string }
		OK     bool
	}
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &said))
	assert.False(t, said.OK)
	assert.Equal(t, "fail", said.Checks[1].Status)
	assert.Regexp(t, `^onetoken: .*; 1 check failed: \w+\n$`, r.stderr)
}
