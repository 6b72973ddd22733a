// Package readme holds the code of README.md, so that it compiles and runs.
package readme

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every block of Go in the README stands in a file here, but for its indentation.
func TestReadmeShowsTheseFiles(t *testing.T) {
	files, err := filepath.Glob("*_test.go")
	require.NoError(t, err)
	var code strings.Builder
	for _, name := range files {
		code.WriteString(unindented(t, name))
	}

	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(unindented(t, "../../README.md"), -1)
	require.NotEmpty(t, blocks)
	for _, block := range blocks {
		assert.Contains(t, code.String(), block[1])
	}
}

// So does every block in the comment of package tokencache, or among that package's examples.
func TestPackageCommentShowsTheseFiles(t *testing.T) {
	code := unindented(t, "embed_test.go") + unindented(t, "../../tokencache/example_test.go")
	comment, _, _ := strings.Cut(readFile(t, "../../tokencache/doc.go"), "\npackage ")
	blocks := regexp.MustCompile(`(?m)^//\t.*\n(?:(?://\n)?//\t.*\n)*`).FindAllString(comment, -1)
	require.Len(t, blocks, 2)
	for _, block := range blocks {
		block = regexp.MustCompile(`(?m)^//[ \t]*`).ReplaceAllString(block, "")
		assert.Contains(t, code, block)
	}
}

// And every block of the page on a Fetcher of one's own, among the examples of package fetcher.
func TestFetcherPageShowsItsExample(t *testing.T) {
	code := unindented(t, "../../fetcher/example_test.go")
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(unindented(t, "../../docs/fetcher.md"), -1)
	require.Len(t, blocks, 2)
	for _, block := range blocks {
		assert.Contains(t, code, block[1])
	}
}

// The commands that add the module to one's own, in their order, with the code between them.
func TestReadmeAddsTheModule(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	_, section, _ := strings.Cut(string(text), "### Add it to your module")
	section, _, _ = strings.Cut(section, "To publish it")
	blocks := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(section, -1)
	require.Len(t, blocks, 2)

	checkout, err := filepath.Abs("../..")
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "service")
	require.NoError(t, os.Mkdir(dir, 0o755))
	run := func(command string, args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), command, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOPROXY=off", "GOSUMDB=off", "GOFLAGS=-mod=mod", "GOWORK=off")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	lines := func(block string) {
		for line := range strings.Lines(block) {
			line, _, _ = strings.Cut(line, "#")
			line = strings.ReplaceAll(line, "=../onetoken", "="+checkout)
			line = strings.ReplaceAll(line, "tidy", "tidy -e") // -e: what only the tests of others need is not at hand
			words := strings.Fields(line)
			run(words[0], words[1:]...)
		}
	}
	lines(blocks[0][1])
	require.NoError(t, os.WriteFile(filepath.Join(dir, "main.go"), []byte(`package main

import (
	_ "github.com/onetoken-go/onetoken/fetcher/bearer"
	_ "github.com/onetoken-go/onetoken/tokencache"
)

func main() {}
`), 0o600))
	lines(blocks[1][1])

	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	require.NoError(t, err)
	assert.Contains(t, string(mod), "github.com/onetoken-go/onetoken v0.0.0\n")
	run("go", "build", "-o", os.DevNull, ".")
}

func unindented(t *testing.T, name string) string {
	t.Helper()
	return regexp.MustCompile(`(?m)^[ \t]+`).ReplaceAllString(readFile(t, name), "")
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(text)
}
