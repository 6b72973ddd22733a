//go:build unix

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// bare is a machine without what .ci/run installs: commands write down how they were called.
// "go install" and apt-get bring what was missing.
const (
	bareGo = `echo "go $*" >>"$LOG"
case "$1 ${2:-}" in
"env GOPATH") echo "$GOPATH" ;;
"version -m") exit 1 ;;
"list ./...") echo onetoken ;;
"test -json") echo '{"Action":"pass","Test":"T"}' ;;
"install "*) name=${2%@*} && name=${name##*/} && printf '#!/bin/sh\necho "%s $*" >>"$LOG"\n' "$name" >"$GOPATH/bin/$name" && chmod +x "$GOPATH/bin/$name" ;;
esac
`
	bareApt = `echo "apt-get $*" >>"$LOG"
for name; do
	case $name in
	prometheus) name="prometheus promtool" ;;
	systemd) name=systemd-analyze ;;
	redis-server | docker-compose | npm) ;;
	*) continue ;;
	esac
	for name in $name; do
		printf '#!/bin/sh\necho "%s $*" >>"$LOG"\n' "$name" >"$GOPATH/bin/$name" && chmod +x "$GOPATH/bin/$name"
	done
done
`
)

// A step of .ci/run that is named alone installs what it needs, first and once, and nothing else.
func TestStepsInstallWhatTheyNeed(t *testing.T) {
	run, err := filepath.Abs("../../.ci/run")
	require.NoError(t, err)
	const (
		linter  = "go install github.com/golangci/golangci-lint/v2/"
		vulns   = "go install golang.org/x/vuln/"
		apt     = "apt-get install "
		compose = "docker-compose config -q"
	)
	for _, c := range []struct {
		steps    []string
		installs []string
		first    string // what the steps do, of which the first comes after all that is installed
	}{
		{[]string{"check_lint"}, []string{linter}, "golangci-lint run ./..."},
		{[]string{"run_govulncheck"}, []string{vulns}, "govulncheck ./..."},
		{[]string{"check_compose"}, []string{apt}, compose},
		{[]string{"run_tests"}, []string{apt}, "go test -json -race"},
		{[]string{"run_386"}, []string{apt}, "go vet ./..."},
		{[]string{"run_punctual"}, []string{apt}, "go test -count=1 ./tokencache"},
		{[]string{"run_benchmarks"}, []string{apt}, "go test -run ^$ -bench"},
		{[]string{"run_bench_smoke"}, []string{apt}, "go test -count=1"},
		{[]string{"run_chaos"}, []string{apt}, ".ci/chaos"},
		{[]string{"run_acceptance"}, []string{apt, apt}, "npm ci"},
		{[]string{"run_acceptance"}, []string{apt, apt}, "go test -json -count=1"},
		{[]string{"run_deploycheck"}, []string{apt, apt}, "go test -json -count=1"},
		{[]string{"run_doccheck"}, []string{apt}, "go test -json -count=1"},
		{[]string{"check_vet"}, nil, "go vet ./..."},
		{[]string{"check_compose", "run_punctual"}, []string{apt}, compose},
		{[]string{"install_linter", "check_lint"}, []string{linter}, "golangci-lint run ./..."},
	} {
		t.Run(strings.Join(c.steps, " "), func(t *testing.T) {
			calls := runOnBare(t, run, c.steps...)
			installed := 0
			for _, call := range calls {
				if strings.HasPrefix(call, "go install ") || strings.HasPrefix(call, apt) {
					require.Less(t, installed, len(c.installs), "%q", calls)
					assert.True(t, strings.HasPrefix(call, c.installs[installed]), call)
					installed++
				}
				if strings.HasPrefix(call, c.first) {
					assert.Len(t, c.installs, installed, "before %s", call)
					return
				}
			}
			assert.Fail(t, "the step did nothing", "%q", calls)
		})
	}
}

// runOnBare returns what was called.
func runOnBare(t *testing.T, run string, steps ...string) []string {
	t.Helper()
	root, bin, gopath := t.TempDir(), t.TempDir(), t.TempDir()
	log := filepath.Join(bin, "log")
	script := func(dir, name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/bash\nset -eu\n"+text), 0o755)) //nolint:gosec // a command
	}
	for _, name := range []string{"bash", "cat", "chmod", "cut", "dirname", "grep", "mktemp", "rm", "sed", "sh", "tail", "tee", "timeout", "tr"} {
		path, err := exec.LookPath(name)
		require.NoError(t, err)
		require.NoError(t, os.Symlink(path, filepath.Join(bin, name)))
	}
	script(bin, "go", bareGo)
	script(bin, "apt-get", bareApt)
	script(bin, "sudo", `shift; "$@"`)
	for _, dir := range []string{
		filepath.Join(root, ".ci"), filepath.Join(root, "bench"), filepath.Join(root, "internal", "acceptance", "gateway"), filepath.Join(root, "internal", "deploycheck"), filepath.Join(root, "internal", "doccheck"),
		filepath.Join(root, "adapters", "oauth2source"), filepath.Join(gopath, "bin"),
	} {
		require.NoError(t, os.MkdirAll(dir, 0o755))
	}
	script(filepath.Join(root, ".ci"), "chaos", `echo ".ci/chaos $*" >>"$LOG"`)
	text, err := os.ReadFile(run)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(root, ".ci", "run"), text, 0o755)) //nolint:gosec // a command

	cmd := exec.CommandContext(t.Context(), "bash", append([]string{filepath.Join(root, ".ci", "run")}, steps...)...)
	cmd.Env = []string{"PATH=" + bin, "GOPATH=" + gopath, "LOG=" + log, "HOME=" + root}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	calls, err := os.ReadFile(log)
	require.NoError(t, err)
	return strings.Split(strings.TrimSpace(string(calls)), "\n")
}
