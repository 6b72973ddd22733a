//go:build unix

package script_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/examples/internal/script"
)

// inFolder is an example's folder, with a script in it.
func inFolder(t *testing.T, text string) script.Script {
	t.Helper()
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("hello.sh", []byte(text), 0o600))
	return script.Script{Interpreter: "sh", File: "examples/hello/hello.sh"}
}

func TestShowsTheCommandAndRunsIt(t *testing.T) {
	t.Setenv("FEISHU_APP_SECRET", "none of its business")
	s := inFolder(t, `echo "hello $1, $WHO, $FEISHU_APP_SECRET."`)
	s.Args, s.Env = []string{"you"}, []string{"WHO=me"}
	var out bytes.Buffer
	require.NoError(t, s.Run(t.Context(), &out))
	assert.Equal(t, "$ WHO=me sh hello.sh you\nhello you, me, .\n", out.String())
}

func TestIsFoundFromTheRoot(t *testing.T) {
	s := inFolder(t, "exit 1")
	require.NoError(t, os.MkdirAll("examples/hello", 0o700))
	require.NoError(t, os.WriteFile("examples/hello/hello.sh", []byte("echo here"), 0o600))
	var out bytes.Buffer
	require.NoError(t, s.Run(t.Context(), &out))
	assert.Equal(t, "$ sh examples/hello/hello.sh\nhere\n", out.String())
}

func TestWhatIsMissingIsNoError(t *testing.T) {
	for _, c := range []struct {
		edge  string
		lacks func(*script.Script)
		says  string
	}{
		{"the language", func(s *script.Script) { s.Interpreter = "cobol-2099" }, "(not run: there is no cobol-2099 here)"},
		{"a package", func(s *script.Script) { s.Needs, s.Install = "node_modules", "npm ci" }, "(not run: it wants npm ci first)"},
	} {
		t.Run(c.edge, func(t *testing.T) {
			s := inFolder(t, "echo ran")
			c.lacks(&s)
			var out bytes.Buffer
			require.NoError(t, s.Run(t.Context(), &out))
			assert.Contains(t, out.String(), "hello.sh\n"+c.says)
			assert.NotContains(t, out.String(), "ran")
		})
	}
}

func TestFailureIsTold(t *testing.T) {
	s := inFolder(t, "echo so far; exit 3")
	var out bytes.Buffer
	assert.EqualError(t, s.Run(t.Context(), &out), "hello.sh: exit status 3")
	assert.Contains(t, out.String(), "so far")
}

func TestEndsWithTheContext(t *testing.T) {
	s := inFolder(t, "sleep 60")
	ctx, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	assert.Error(t, s.Run(ctx, io.Discard))
}
