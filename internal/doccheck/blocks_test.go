//go:build unix

package doccheck_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/doccheck"
)

// readers take a block of a language as what it is meant for takes it.
var readers = map[string]func(t *testing.T, block doccheck.Block) error{
	"go":   func(*testing.T, doccheck.Block) error { return nil }, // internal/docs
	"sh":   shellReads,
	"yaml": yamlReads,
	"json": jsonReads,
	"js": func(t *testing.T, b doccheck.Block) error {
		return toolReads(t, b.Text, "block.mjs", "node", "--check")
	},
	"python": func(t *testing.T, b doccheck.Block) error {
		return toolReads(t, b.Text, "block.py", "python3", "-m", "py_compile")
	},
}

// Every block of every document can be read by what it is for, or stands in the table of those that cannot,
// with the reason.
func TestEveryBlockIsRead(t *testing.T) {
	r := repository(t)
	for _, name := range r.Names() {
		if translation(r, name) {
			continue
		}
		for _, block := range r.Pages[name].Blocks {
			if isUnread(name, block) || isOutput(block) { // what commands print is compared where they run
				continue
			}
			reads := readers[block.Language]
			if assert.NotNil(t, reads, "%s:%d: nothing reads %q, and it is not in unread", name, block.Line, block.Language) {
				assert.NoError(t, reads(t, block), "%s:%d", name, block.Line)
			}
		}
	}
	for _, u := range unread {
		page := r.Pages[u.page]
		assert.True(t, page != nil && slices.ContainsFunc(page.Blocks, func(b doccheck.Block) bool { return isUnread(u.page, b) && strings.HasPrefix(b.Text, u.first) }), "no block is %v", u)
	}
}

func isUnread(page string, block doccheck.Block) bool {
	for _, u := range unread {
		if u.page == page && u.language == block.Language && strings.HasPrefix(block.Text, u.first) {
			return true
		}
	}
	return false
}

// What the tables say of blocks of shell is of blocks that there are, and what does not run names files and
// build arguments that there are.
func TestNotesAreOfBlocks(t *testing.T) {
	r := repository(t)
	met := map[note]bool{}
	var statements, comments []string
	for _, name := range r.Names() {
		for _, block := range r.Pages[name].Blocks {
			if !isShell(block) {
				continue
			}
			n := noteOf(name, block)
			met[n] = true
			all, err := block.Statements()
			require.NoError(t, err)
			for _, s := range all {
				statements, comments = append(statements, name+": "+s.Text), append(comments, s.Comment)
			}
			if n.unrun != "" {
				assert.Empty(t, absent(t, r, block.Text), "%s:%d", name, block.Line)
			}
		}
	}
	for _, n := range notes {
		assert.True(t, met[n], "%s has no block that begins with %q", n.page, n.first)
	}
	steps, err := os.ReadFile(filepath.Join(root, ".ci", "run"))
	require.NoError(t, err)
	for _, e := range elsewhere {
		assert.Contains(t, string(steps), "\n"+e.step+"() {", e.why)
		assert.True(t, slices.Contains(statements, e.page+": "+e.statement), "%s has no %q", e.page, e.statement)
	}
	for _, comment := range prose {
		assert.True(t, slices.Contains(comments, comment), "no command has the comment %q", comment)
	}
}

var (
	isPath     = regexp.MustCompile(`[\w.-]+(?:/[\w.-]+)+`)
	isBuildArg = regexp.MustCompile(`--build-arg (\w+)=`)
)

// absent are files that a text of shell names in a folder of the repository, and that are not there; and
// arguments of the image that the Dockerfile does not take.
func absent(t *testing.T, r *doccheck.Repository, text string) (names []string) {
	t.Helper()
	for _, path := range isPath.FindAllString(text, -1) {
		folder, _, _ := strings.Cut(path, "/")
		if r.Files[folder] && !r.Files[path] {
			names = append(names, path)
		}
	}
	dockerfile, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	require.NoError(t, err)
	for _, argument := range isBuildArg.FindAllStringSubmatch(text, -1) {
		if !strings.Contains(string(dockerfile), "ARG "+argument[1]) {
			names = append(names, argument[1])
		}
	}
	return names
}

func shellReads(t *testing.T, block doccheck.Block) error {
	t.Helper()
	return toolReads(t, block.Text, "block.sh", "bash", "-n")
}

func jsonReads(_ *testing.T, block doccheck.Block) error {
	var any any
	return json.Unmarshal([]byte(block.Text), &any)
}

// yamlReads knows the service's file, which the command checks, and rules of Prometheus, which promtool does.
func yamlReads(t *testing.T, block doccheck.Block) error {
	t.Helper()
	switch {
	case isConfiguration(block):
		return configurationReads(t, block.Text)
	case strings.Contains(block.Text, "groups:"):
		return toolReads(t, block.Text, "rules.yaml", "promtool", "check", "rules")
	}
	return errors.New("it is no configuration, and has no rules of Prometheus")
}

var namesFile = regexp.MustCompile(`(\w+_file): ([^\s,}]+)`)

// configurationReads it with all files that it names, which are made. Where it has no credentials, a
// reader has them, by the names that its clients have.
func configurationReads(t *testing.T, text string) error {
	t.Helper()
	if sections(text)["credentials"] == "" {
		text += "credentials:\n  - {name: crm, kind: feishu, app_id: cli_a, app_secret_file: crm}\n"
	}
	certFile, keyFile := certificate(t, "onetoken.example")
	dir, secrets := t.TempDir(), 0
	text = namesFile.ReplaceAllStringFunc(text, func(named string) string {
		key, name, _ := strings.Cut(named, ": ")
		switch {
		case key == "key_file":
			return key + ": " + keyFile
		case key == "cert_file" || strings.HasSuffix(key, "ca_file"):
			return key + ": " + certFile
		}
		secrets++
		file := filepath.Join(dir, filepath.Base(name))
		require.NoError(t, os.WriteFile(file, []byte(strings.Repeat(string(rune('a'+secrets)), 32)), 0o600))
		return key + ": " + file
	})
	return toolReads(t, text, "onetoken.yaml", binary, "refresher", "--check", "--config")
}

// toolReads has a tool read the text from a file of this name, which is its last argument.
func toolReads(t *testing.T, text, name, tool string, args ...string) error {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	cmd := exec.CommandContext(t.Context(), tool, append(args, file)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Logf("%s", out)
	}
	return err
}

// Each reader refuses what is wrong.
func TestReadersRefuse(t *testing.T) {
	for _, b := range []doccheck.Block{
		{Language: "sh", Text: "if true; then\n"},
		{Language: "json", Text: "{\"a\": }\n"},
		{Language: "js", Text: "const = 1;\n"},
		{Language: "python", Text: "a = (\n"},
		{Language: "yaml", Text: "credentials:\n  - {name: crm, kind: none}\n"},
		{Language: "yaml", Text: "credentials:\n  - {name: crm, kind: feishu, app_id: cli_a, app_secret_file: /run/secrets/crm, more: 1}\nstatus: {listen: 127.0.0.1:8080}\n"},
		{Language: "yaml", Text: "groups:\n  - name: a\n    rules:\n      - {alert: A, expr: 'sum('}\n"},
		{Language: "yaml", Text: "a: b\n"},
	} {
		assert.Error(t, readers[b.Language](t, b), b.Text)
	}
	good := doccheck.Block{Language: "yaml", Text: "credentials:\n  - {name: crm, kind: feishu, app_id: cli_a, app_secret_file: /run/secrets/crm}\nstatus: {listen: 127.0.0.1:8080}\n"}
	assert.NoError(t, yamlReads(t, good))
	good = doccheck.Block{Language: "yaml", Text: "groups:\n  - name: a\n    rules:\n      - {alert: A, expr: up == 0}\n"}
	assert.NoError(t, yamlReads(t, good))

	assert.Equal(t, []string{"deploy/none"}, absent(t, repository(t), "kubectl apply -f deploy/none -k deploy/kubernetes\n"))
	assert.Equal(t, []string{"NONE"}, absent(t, repository(t), "docker build --build-arg VERSION=1 --build-arg NONE=1 .\n"))
}
