package tokencache

import (
	"embed"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

//go:embed scripts
var scriptFiles embed.FS

var (
	luaComment = regexp.MustCompile(`--[^\n]*`)
	luaString  = regexp.MustCompile(`'[^'\n]*'`)
	luaCall    = regexp.MustCompile(`redis\.p?call\(([^,)]*)(?:, *([^,)]*))?`)
	luaAssign  = regexp.MustCompile(`(?m)^\s*(local\s+)?([\w, ]+?)\s*=[^=]`)
	luaKeys    = regexp.MustCompile(`\bKEYS\b`)
	luaKey     = regexp.MustCompile(`\bKEYS\[[1-9]\]`)
	luaLocal   = regexp.MustCompile(`(?m)\blocal\s+([\w, ]+)`)
)

// Managed clusters look at scripts before they let them in, and replicas run
// them again.
func TestScriptsAreAllowedEverywhere(t *testing.T) {
	entries, err := scriptFiles.ReadDir("scripts")
	require.NoError(t, err)
	embedded := map[string]string{"read.lua": readLua, "publish.lua": publishLua, "fail.lua": failLua, "invalidate.lua": invalidateLua}
	require.Len(t, entries, len(embedded))
	for _, entry := range entries {
		t.Run(entry.Name(), func(t *testing.T) {
			text, err := scriptFiles.ReadFile(path.Join("scripts", entry.Name()))
			require.NoError(t, err)
			require.Equal(t, string(text), embedded[entry.Name()])
			checkScript(t, string(text))
		})
	}
}

func checkScript(t *testing.T, text string) {
	require.True(t, strings.HasPrefix(text, "-- "), "a header on keys, arguments and answers")
	for _, part := range []string{"-- KEYS: 1 ", "-- Returns: "} {
		assert.Contains(t, text, part)
	}
	code := luaComment.ReplaceAllString(text, "")
	for _, word := range []string{"unpack", "PUBLISH", "SPUBLISH", "#KEYS", "_G", "loadstring", "\"", "[["} {
		assert.NotContains(t, code, word)
	}
	assert.Equal(t, len(luaKeys.FindAllString(code, -1)), len(luaKey.FindAllString(code, -1)), "keys as literal KEYS[n] only")

	for _, call := range luaCall.FindAllStringSubmatch(code, -1) {
		assert.Regexp(t, `^'[A-Z]+'$`, call[1], "a literal command")
		if call[1] != "'TIME'" {
			assert.Regexp(t, `^KEYS\[[1-9]\]$`, strings.TrimSpace(call[2]), call[0])
		}
	}

	bare := luaString.ReplaceAllString(code, "''")
	locals := map[string]bool{}
	for _, m := range luaLocal.FindAllStringSubmatch(bare, -1) {
		for name := range strings.SplitSeq(m[1], ",") {
			locals[strings.TrimSpace(name)] = true
		}
	}
	depth := 0 // of braces: fields of a table are no variables
	for line := range strings.Lines(bare) {
		if m := luaAssign.FindStringSubmatch(line); m != nil && m[1] == "" && depth == 0 {
			for name := range strings.SplitSeq(m[2], ",") {
				assert.True(t, locals[strings.TrimSpace(name)], "global variable: %s", line)
			}
		}
		depth += strings.Count(line, "{") - strings.Count(line, "}")
	}
}
