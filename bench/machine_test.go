package bench_test

import (
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"time"

	"github.com/onetoken-go/onetoken/bench/results"
)

// measured are the modules whose versions count.
var measured = []string{
	"github.com/aws/aws-sdk-go-v2",
	"github.com/bsm/redislock",
	"github.com/go-redsync/redsync/v4",
	"github.com/redis/go-redis/v9",
	"github.com/viccon/sturdyc",
	"golang.org/x/oauth2",
}

func thisMachine() results.Machine {
	m := results.Machine{
		Date:     time.Now().UTC().Format(time.DateOnly),
		CPU:      lineOf("/proc/cpuinfo", `model name\s*: (.*)`),
		Cores:    runtime.GOMAXPROCS(0),
		System:   runtime.GOOS + "/" + runtime.GOARCH,
		Go:       strings.TrimPrefix(runtime.Version(), "go"),
		Versions: map[string]string{},
	}
	if out, err := exec.Command("redis-server", "--version").Output(); err == nil {
		m.Redis = first(`v=(\S+)`, string(out))
	}
	// A test binary does not know what it was built from.
	args := append([]string{"list", "-m", "-f", "{{.Path}} {{.Version}}"}, measured...)
	if out, err := exec.Command("go", args...).Output(); err == nil {
		for line := range strings.Lines(string(out)) {
			path, version, _ := strings.Cut(strings.TrimSpace(line), " ")
			m.Versions[path] = version
		}
	}
	return m
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
