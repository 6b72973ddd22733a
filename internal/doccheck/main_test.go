package doccheck_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/doccheck"
)

// root of the repository, from here.
const root = "../.."

// binary is onetoken.
var binary string

func TestMain(m *testing.M) {
	code, err := buildAndRun(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

func buildAndRun(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "doccheck")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	binary = filepath.Join(dir, "onetoken")
	build := exec.Command("go", "build", "-trimpath", "-o", binary, "./cmd/onetoken")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("building the binary: %w\n%s", err, out)
	}
	return m.Run(), nil
}

// The checkout does not change while tests run.
var (
	open = sync.OnceValues(func() (*doccheck.Repository, error) { return doccheck.Open(root) })
	ask  = sync.OnceValues(func() (*doccheck.Usage, error) { return doccheck.Ask(binary) })
	read = sync.OnceValues(func() (*doccheck.Tools, error) {
		r, err := open()
		if err != nil {
			return nil, err
		}
		return r.Tools(root)
	})
)

func repository(t *testing.T) *doccheck.Repository {
	t.Helper()
	r, err := open()
	require.NoError(t, err)
	return r
}

func usage(t *testing.T) *doccheck.Usage {
	t.Helper()
	u, err := ask()
	require.NoError(t, err)
	return u
}

func tools(t *testing.T) *doccheck.Tools {
	t.Helper()
	tools, err := read()
	require.NoError(t, err)
	return tools
}
