// Package examples holds the pages of the examples to what these are.
package examples

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

func TestPages(t *testing.T) {
	table := readFile(t, "README.md")
	mains, err := filepath.Glob("*/main.go")
	require.NoError(t, err)
	require.NotEmpty(t, mains)
	for _, main := range mains {
		name := filepath.Dir(main)
		t.Run(name, func(t *testing.T) {
			page := readFile(t, filepath.Join(name, "README.md"))
			assert.LessOrEqual(t, strings.Count(page, "\n"), 40, "lines")
			assert.Contains(t, page, "```sh\ngo run ./examples/"+name+"\n", "its one command, first in a block")
			assert.Contains(t, page, "\n## With real services\n")
			assert.Contains(t, table, "| ["+name+"]("+name+"/README.md) |")
			assert.Contains(t, table, "| `go run ./examples/"+name+"` |")
		})
	}
	assert.Equal(t, len(mains), strings.Count(table, "| `go run "), "a row for each, and no other")
}

func TestLinksLeadSomewhere(t *testing.T) {
	pages, err := filepath.Glob("*/README.md")
	require.NoError(t, err)
	for _, page := range append(pages, "README.md") {
		links := regexp.MustCompile(`\]\(([^)#]+)(?:#[^)]*)?\)`).FindAllStringSubmatch(readFile(t, page), -1)
		assert.NotEmpty(t, links, page)
		for _, link := range links {
			_, err := os.Stat(filepath.Join(filepath.Dir(page), link[1]))
			assert.NoError(t, err, page)
		}
	}
}

// As a process, with nothing in its environment, an example prints what its page says, but for ports, and for what
// its page cuts short.
func TestProcessesPrintWhatTheirPagesSay(t *testing.T) {
	bin := t.TempDir() + string(filepath.Separator)
	once := []string{"larksdk", "oauth2"} // the others serve until they are ended
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "./"+once[0], "./"+once[1]).CombinedOutput()
	require.NoError(t, err, "%s", out)
	for _, name := range once {
		t.Run(name, func(t *testing.T) {
			run := exec.CommandContext(t.Context(), bin+name)
			run.Env = []string{"HOME=" + bin, "SYSTEMROOT=" + os.Getenv("SYSTEMROOT")}
			out, err := run.CombinedOutput()
			require.NoError(t, err, "%s", out)
			block := regexp.MustCompile("(?s)\n\n```text\n(.*?)```\n").FindStringSubmatch(readFile(t, filepath.Join(name, "README.md")))
			require.NotNil(t, block)
			assert.Equal(t, plain(block[1]), plain(string(out)))
		})
	}
}

// plain is an output without the log's times, ports, and all but the beginning of a SHA-256.
func plain(out string) string {
	out = regexp.MustCompile(`(?m)^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d `).ReplaceAllString(out, "")
	out = regexp.MustCompile(`127\.0\.0\.1:\d+`).ReplaceAllString(out, "127.0.0.1:PORT")
	return regexp.MustCompile(`(e3b0c4)(?:\.\.\.|[0-9a-f]{58})"`).ReplaceAllString(out, `$1"`)
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(text)
}
