// Package docs holds the Go code of the documents, so that it compiles and runs. internal/doccheck
// checks all else that stands in them.
package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const root = "../.."

// homes are the files that the blocks of each document stand in, beside those of this folder.
var homes = map[string][]string{
	"README.md":         {},
	"docs/embedding.md": {},
	"docs/fetcher.md":   {"fetcher/example_test.go"},
	"docs/gateway.md":   {"internal/doccheck/sdk/sdk_test.go"},
	"docs/migration.md": {"internal/doccheck/sdk/wechat_test.go"},
	"docs/sdk.md":       {"internal/doccheck/sdk/sdk_test.go"},
}

// A block that is a whole program is run by internal/doccheck, from the document.
const program = "package main\n"

// Every block of Go in a document stands in a file that is compiled and run, but for its indentation.
func TestBlocksOfGoStandInFiles(t *testing.T) {
	seen := map[string]bool{}
	for _, document := range documents(t) {
		blocks := goBlocks(unindented(t, document))
		if len(blocks) == 0 {
			continue
		}
		seen[document] = true
		files, ok := homes[document]
		if !assert.True(t, ok, "%s has blocks of Go, and no line in homes", document) {
			continue
		}
		var code strings.Builder
		code.WriteString(here(t))
		for _, file := range files {
			code.WriteString(unindented(t, file))
		}
		for _, block := range blocks {
			if !strings.HasPrefix(block, program) {
				assert.True(t, strings.Contains(code.String(), block), "%s: no file has this:\n%s", document, block)
			}
		}
	}
	for document := range homes {
		assert.True(t, seen[document], "%s has no block of Go", document)
	}
}

// So does every block in the comment of package tokencache, or among that package's examples.
func TestPackageCommentShowsTheseFiles(t *testing.T) {
	code := here(t) + unindented(t, "tokencache/example_test.go")
	comment, _, _ := strings.Cut(readFile(t, "tokencache/doc.go"), "\npackage ")
	blocks := regexp.MustCompile(`(?m)^//\t.*\n(?:(?://\n)?//\t.*\n)*`).FindAllString(comment, -1)
	require.Len(t, blocks, 2)
	for _, block := range blocks {
		block = regexp.MustCompile(`(?m)^//[ \t]*`).ReplaceAllString(block, "")
		assert.Contains(t, code, block)
	}
}

// documents are all in English: of a translation internal/doccheck wants the same code.
func documents(t *testing.T) (names []string) {
	t.Helper()
	translated := regexp.MustCompile(`\.zh-CN\.md$|^docs/zh-CN/`)
	require.NoError(t, fs.WalkDir(os.DirFS(root), ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == ".git"):
			return fs.SkipDir
		case strings.HasSuffix(path, ".md") && !translated.MatchString(path):
			names = append(names, path)
		}
		return nil
	}))
	return names
}

// goBlocks are those of a document, without their fences.
func goBlocks(text string) (blocks []string) {
	for _, block := range regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(text, -1) {
		blocks = append(blocks, block[1])
	}
	return blocks
}

// here is the code of this folder.
func here(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	require.NoError(t, err)
	var code strings.Builder
	for _, name := range files {
		code.WriteString(unindented(t, "internal/docs/"+name))
	}
	return code.String()
}

func unindented(t *testing.T, name string) string {
	t.Helper()
	return regexp.MustCompile(`(?m)^[ \t]+`).ReplaceAllString(readFile(t, name), "")
}

// readFile has its name from the root of the repository.
func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	require.NoError(t, err)
	return string(text)
}
