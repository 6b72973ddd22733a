package acceptance_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// examples/larksdk is written for the SDK's double. With the SDK itself in its place the same file compiles, and
// prints the same. Its root package takes half a minute of a processor to compile, once.
func TestLarkExampleWithTheSDK(t *testing.T) {
	const module = "github.com/onetoken-go/onetoken"
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	dir := t.TempDir()
	replaced := func(from, to, old, with string) {
		text := readText(t, from)
		require.Contains(t, text, old)
		require.NoError(t, os.WriteFile(filepath.Join(dir, to), []byte(strings.ReplaceAll(text, old, with)), 0o600))
	}
	replaced("../../examples/larksdk/main.go", "main.go", module+"/examples/internal/lark", "github.com/larksuite/oapi-sdk-go/v3")
	replaced("go.sum", "go.sum", "", "")
	// By its name the module is among the examples, whose internal packages it uses.
	mod := strings.ReplaceAll(readText(t, "go.mod"), "module "+module+"/internal/acceptance", "module "+module+"/examples/with-the-sdk")
	mod = strings.ReplaceAll(mod, "=> ../..", "=> "+root)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte(mod), 0o600))

	build := exec.CommandContext(t.Context(), "go", "build", "-mod=mod", "-o", "example", ".")
	build.Dir = dir
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	run := exec.CommandContext(t.Context(), filepath.Join(dir, "example"))
	run.Env = []string{"HOME=" + dir}
	out, err = run.CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.Regexp(t, `(?m)^A tenant of cli_test$`, string(out))
	assert.Contains(t, string(out), "client ready", "which the SDK says, and the double does not")
	assert.Contains(t, string(out), "calls of the issuer for a token: 1\n")
}

// examples/gateway's bot, as it is, with the SDK that is installed here.
func TestGatewayExampleWithTheSDK(t *testing.T) {
	const modules = "gateway/node_modules"
	node := nodeWith(t, modules+"/@larksuiteoapi/node-sdk")
	s := newGatewayStage(t)
	installed, err := filepath.Abs(modules)
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, os.Symlink(installed, filepath.Join(dir, "node_modules")))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "bot.mjs"), []byte(readText(t, "../../examples/gateway/bot.mjs")), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "secret"), []byte(secretOfBot+"\n"), 0o600))
	for range 2 {
		bot := exec.CommandContext(t.Context(), node, "bot.mjs")
		bot.Dir, bot.Env = dir, []string{"BASE_URL=" + s.tap.url, "APP_ID=cli_a", "APP_SECRET_FILE=secret"}
		out, err := bot.CombinedOutput()
		require.NoError(t, err, "%s", out)
		assert.Equal(t, "A tenant of cli_a\n", string(out))
	}
	assert.Equal(t, 1, s.calls())
	assert.False(t, s.tap.contains(secretOfApp))
}

// The example installs the SDK that is tested here.
func TestGatewayExampleHasThisSDK(t *testing.T) {
	packages := func(file string) (p struct{ Packages map[string]json.RawMessage }) {
		require.NoError(t, json.Unmarshal([]byte(readText(t, file)), &p))
		delete(p.Packages, "") // itself, by its name
		return p
	}
	here := packages("gateway/package-lock.json")
	assert.NotEmpty(t, here.Packages)
	assert.Equal(t, here, packages("../../examples/gateway/package-lock.json"))
	pinned := regexp.MustCompile(`"@larksuiteoapi/node-sdk": "[^"]+"`)
	assert.Equal(t, pinned.FindString(readText(t, "gateway/package.json")), pinned.FindString(readText(t, "../../examples/gateway/package.json")))
}

func readText(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(text)
}
