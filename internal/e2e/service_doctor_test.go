package e2e

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// diagnosis is what the doctor says of a file, by name and subject.
func (w *site) diagnosis(file string, more ...string) (code int, all map[string][2]string) {
	w.t.Helper()
	cmd := exec.Command(binary, append([]string{"doctor", "--json", "--config", filepath.Join(w.dir, file)}, more...)...)
	cmd.Env = []string{"HOME=" + w.dir}
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); err != nil {
		require.ErrorAs(w.t, err, &exit)
		code = exit.ExitCode()
	}
	var said struct {
		Checks []struct{ Name, Subject, Status, Found string }
	}
	require.NoError(w.t, json.Unmarshal(out, &said), string(out))
	all = map[string][2]string{}
	for _, c := range said.Checks {
		all[strings.TrimSpace(c.Name+" "+c.Subject)] = [2]string{c.Status, c.Found}
	}
	assert.NotContains(w.t, string(out), "secret-of-app")
	assert.NotContains(w.t, string(out), clientSecret)
	return code, all
}

// Two services run on one Redis; the doctor is given the file of one, and the address of the other.
func TestDoctorOfARunningService(t *testing.T) {
	t.Parallel()
	w := newSite(t, 3, 2*time.Hour)
	w.write("one.yaml", w.configuration(""))
	w.write("two.yaml", strings.Replace(w.configuration(""), "tokens.sock", "two.sock", 1))
	one, two := w.start("one.yaml"), w.start("two.yaml")
	one.awaitReady()
	two.awaitReady()
	status, _ := one.get(one.tokens+"/v1/tokens/app-0", clientSecret)
	require.Equal(t, 200, status)

	// The ports are known by now, and the doctor's file names them.
	at := func(url string) string { return strings.TrimPrefix(url, "http://") }
	text := strings.Replace(w.configuration(""), "status: {listen: 127.0.0.1:0}", "status: {listen: "+at(one.status)+"}", 1)
	w.write("doctor.yaml", strings.Replace(text, "  listen: 127.0.0.1:0", "  listen: "+at(one.tokens), 1))
	code, all := w.diagnosis("doctor.yaml", "--service", two.status)
	assert.Zero(t, code, all)
	for name, found := range map[string]string{
		"credential app-2":                                       "a token, ",
		"listener status " + at(one.status):                      "a service answers",
		"listener tokens " + at(one.tokens):                      "a service answers",
		"listener tokens " + filepath.Join(w.dir, "tokens.sock"): "a service answers",
		"client billing of tokens":                               "by secret, for app-0, app-1, app-2, seen ",
		"service " + one.status:                                  one.name() + ", started ",
		"service " + two.status:                                  "3 credentials",
		"refreshers":                                             " has fetched ",
		"versions":                                               "; this command is ",
		"clocks " + two.status:                                   "within 1s of ours",
		"files":                                                  "4 files with secrets",
	} {
		require.Contains(t, all, name)
		assert.Equal(t, "ok", all[name][0], "%s: %v", name, all[name])
		assert.Contains(t, all[name][1], found, name)
	}
	// Which of the two asked for which is a matter of luck; that they are told apart is not.
	fetched := map[string]int{}
	for _, found := range regexp.MustCompile(`(\S+ \(pid \d+\)) has fetched (\d) tokens?, the last `).FindAllStringSubmatch(all["refreshers"][1], -1) {
		fetched[found[1]], _ = strconv.Atoi(found[2])
	}
	assert.Equal(t, 3, fetched[one.name()]+fetched[two.name()], all["refreshers"])
	one.kill()
	_, all = w.diagnosis("doctor.yaml")
	assert.Contains(t, all["listener status "+at(one.status)][1], "free: no service runs here")
	assert.Contains(t, all["listener tokens "+filepath.Join(w.dir, "tokens.sock")][1], "left behind by a service that is gone")
	assert.Contains(t, all["service"][1], "no service answers at "+one.status)
}
