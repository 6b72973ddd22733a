package bench_test

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/onetoken-go/onetoken/bench/results"
)

// measured are the modules whose versions count.
var measured = []string{
	"github.com/aws/aws-sdk-go-v2",
	"github.com/bsm/redislock",
	"github.com/dtm-labs/rockscache",
	"github.com/go-redsync/redsync/v4",
	"github.com/redis/go-redis/v9",
	"github.com/viccon/sturdyc",
	"golang.org/x/oauth2",
}

// thisMachine is where and with what is measured. What the system does not tell is
// "unknown".
func thisMachine() (results.Machine, error) {
	redis, err := output("redis-server", "--version")
	if err != nil {
		return results.Machine{}, err
	}
	versions, err := versions()
	if err != nil {
		return results.Machine{}, err
	}
	commit, err := output("git", "describe", "--always", "--dirty", "--exclude", "*")
	if err != nil { // a copy without its history
		commit = "unknown"
	}
	kib, _ := strconv.ParseFloat(lineOf("/proc/meminfo", `MemTotal:\s*(\d+)`), 64)
	return results.Machine{
		Date:       time.Now().UTC().Format(time.DateOnly),
		Commit:     strings.TrimSpace(commit),
		CPU:        lineOf("/proc/cpuinfo", `model name\s*: (.*)`),
		Cores:      runtime.GOMAXPROCS(0),
		Memory:     1024 * kib,
		System:     runtime.GOOS + "/" + runtime.GOARCH,
		Kernel:     lineOf("/proc/sys/kernel/osrelease", `(\S+)`),
		Go:         strings.TrimPrefix(runtime.Version(), "go"),
		Redis:      first(`v=(\S+)`, redis),
		LoadBefore: load(),
		Versions:   versions,
	}, nil
}

// versions asks the go command: a test binary does not know what it was built from.
func versions() (map[string]string, error) {
	lines, err := output("go", append([]string{"list", "-m", "-f", "{{.Path}} {{.Version}}"}, measured...)...)
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for line := range strings.Lines(lines) {
		path, version, _ := strings.Cut(strings.TrimSpace(line), " ")
		found[path] = version
	}
	return found, nil
}

func output(name string, args ...string) (string, error) {
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	return string(out), nil
}

// load is the system's average of the last minute; 0 if it does not tell.
func load() float64 {
	v, _ := strconv.ParseFloat(lineOf("/proc/loadavg", `^(\S+)`), 64)
	return v
}

func lineOf(path, pattern string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	return first(pattern, string(text))
}

func first(pattern, text string) string {
	if found := regexp.MustCompile(pattern).FindStringSubmatch(text); found != nil {
		return found[1]
	}
	return "unknown"
}
