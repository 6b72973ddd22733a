package doctor

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/internal/advice"
)

func TestTooOldRedis(t *testing.T) {
	t.Parallel()
	for version, old := range map[string]bool{
		"": false, "5.0.14": true, "6.0.16": true, "6.2.0": false, "7.0.15": false, "10.1": false, "255.255.255": false, "odd": false,
	} {
		assert.Equal(t, old, node{software: "redis", version: version}.tooOld(), version)
	}
	assert.False(t, node{software: "valkey", version: "1.0"}.tooOld())
	f := versionCheck([]node{{software: "redis", version: "6.0.16"}, {software: "redis", version: "7.0.15"}})
	assert.Equal(t, finding{"version", checkFail, "redis 6.0.16, redis 7.0.15", "upgrade to 6.2 or later, or to Valkey"}, f)
	assert.Equal(t, "valkey 8.0.1", versionCheck([]node{{software: "valkey", version: "8.0.1"}}).Found)
}

func TestRoles(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		nodes  []node
		status string
		found  string
	}{
		"nothing known": {[]node{{}}, checkSkipped, notTold},
		"primary":       {[]node{{role: "master"}}, checkOK, "a primary"},
		"replica":       {[]node{{role: "slave"}}, checkFail, "a replica, which takes no writes (READONLY)"},
		"sentinel":      {[]node{{role: "sentinel", mode: "sentinel"}}, checkFail, "a sentinel"},
		"cluster":       {[]node{{role: "master", mode: "cluster", cluster: true}, {role: "master", mode: "cluster", cluster: true}}, checkOK, "2 primaries of a cluster"},
		"alone":         {[]node{{role: "master", mode: "cluster"}}, checkFail, "a node of a cluster"},
	} {
		f := roleCheck(c.nodes)
		assert.Equal(t, c.status, f.Status, name)
		assert.Equal(t, c.found, f.Found, name)
	}
}

// What has to be set is named as a person has set it.
func TestFindingsNameTheVariableThatWasSet(t *testing.T) {
	t.Parallel()
	for _, mode := range []node{{mode: "sentinel"}, {mode: "cluster"}, {role: "slave"}} {
		c := &chart{json: true, files: advice.Files{"REDIS_URL": "f"}}
		c.add(roleCheck([]node{mode}))
		assert.Contains(t, c.findings[0].Advice, "(REDIS_URL_FILE)")
	}
}
