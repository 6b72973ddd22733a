package deploycheck_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// root of the repository, from here.
const root = "../.."

// binary is onetoken, as it is deployed: without the race detector and C.
var binary string

func TestMain(m *testing.M) {
	code, err := buildAndRun(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

func buildAndRun(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "deploycheck")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)                      //nolint:errcheck // a temporary folder
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // another user runs what is in it
		return 1, err
	}
	binary = filepath.Join(dir, "onetoken")
	build := exec.Command("go", "build", "-trimpath", "-o", binary, "./cmd/onetoken")
	build.Dir, build.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("building the binary: %w\n%s", err, out)
	}
	return m.Run(), nil
}
