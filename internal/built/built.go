// Package built builds the command for tests of real processes.
package built

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// Run is for TestMain: it builds ./cmd/onetoken of the repository at root, with further flags of go build, leaves its path in binary, runs
// the tests, and returns their exit status. The binary is removed then.
func Run(m *testing.M, root string, binary *string, flags ...string) int {
	dir, err := os.MkdirTemp("", "onetoken")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	*binary = filepath.Join(dir, "onetoken")
	if runtime.GOOS == "windows" {
		*binary += ".exe"
	}
	build := exec.Command("go", append(append([]string{"build"}, flags...), "-o", *binary, "./cmd/onetoken")...)
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the binary: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}
