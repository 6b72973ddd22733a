//go:build linux

package deploycheck_test

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/deploycheck"
)

const (
	systemd     = "../../deploy/systemd"
	unitName    = "onetoken.service"
	credentials = "/run/credentials/" + unitName + "/"
	installed   = "/usr/local/bin/onetoken"

	// worstExposure by systemd-analyze security, of 100; docs/deploying.md says why it is not 0.
	worstExposure = "15"
)

func readUnit(t *testing.T) (string, deploycheck.Unit) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(systemd, unitName))
	require.NoError(t, err)
	return string(text), deploycheck.ReadUnit(string(text))
}

// analyze runs systemd-analyze on a unit, in which the binary is the one here.
func analyze(t *testing.T, text string, args ...string) (says string, err error) {
	t.Helper()
	tool, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("there is no systemd-analyze here: apt-get install systemd")
	}
	unit := filepath.Join(t.TempDir(), unitName)
	require.NoError(t, os.WriteFile(unit, []byte(strings.ReplaceAll(text, installed, binary)), 0o600))
	cmd := exec.CommandContext(t.Context(), tool, append(args, unit)...)
	cmd.Env = append(os.Environ(), "SYSTEMD_COLORS=0", "SYSTEMD_PAGER=cat")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// It complains of a key that it does not know, and ends well: so not a word is wanted.
func TestSystemdTakesTheUnit(t *testing.T) {
	text, _ := readUnit(t)
	says, err := analyze(t, text, "verify", "--man=no")
	require.NoError(t, err, says)
	assert.Empty(t, says)

	for before, after := range map[string]string{
		"LockPersonality=":                "LockPersonalities=",
		"SystemCallFilter=~@privileged":   "SystemCallFilter=~@privilege",
		"RestrictAddressFamilies=AF_INET": "RestrictAddressFamilies=AF_INTERNET",
		"Restart=always":                  "Restart=ever",
		"MemoryMax=256M":                  "MemoryMax=much",
	} {
		require.Contains(t, text, before)
		says, _ := analyze(t, strings.Replace(text, before, after, 1), "verify", "--man=no")
		assert.NotEmpty(t, says, after)
	}
}

func TestTheUnitIsConfined(t *testing.T) {
	text, _ := readUnit(t)
	says, err := analyze(t, text, "security", "--offline=yes", "--no-pager", "--threshold="+worstExposure)
	require.NoError(t, err, says)

	says, err = analyze(t, strings.ReplaceAll(text, "SystemCallFilter=", "#"), "security", "--offline=yes", "--no-pager", "--threshold="+worstExposure)
	require.Error(t, err, says)
}

// The configuration beside the unit is good with the credentials that this loads, and needs each.
func TestTheUnitsConfiguration(t *testing.T) {
	_, unit := readUnit(t)
	text, err := os.ReadFile(filepath.Join(systemd, "onetoken.yaml"))
	require.NoError(t, err)
	c, err := deploycheck.ReadConfiguration(string(text))
	require.NoError(t, err)
	var named []string
	for _, file := range c.Files() {
		assert.Equal(t, credentials, path.Dir(file)+"/")
		named = append(named, path.Base(file))
	}
	assert.Equal(t, unit.Credentials(), named)
	assert.Empty(t, c.Variables(), "no secret in the environment")

	dir := t.TempDir()
	for _, name := range unit.Credentials() {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("not-a-secret-of-"+name+"\n"), 0o400))
	}
	file := filepath.Join(dir, "onetoken.yaml")
	require.NoError(t, os.WriteFile(file, []byte(strings.ReplaceAll(string(text), credentials, dir+"/")), 0o600))
	says, err := exec.CommandContext(t.Context(), binary, "refresher", "--config", file, "--check").CombinedOutput()
	require.NoError(t, err, "%s", says)
	assert.Contains(t, string(says), "the configuration is good")
	assert.NotContains(t, string(says), "warning")
}

// So does it with the lines that docs/deploying.md has for "systemctl edit", and these do what the page says.
func TestSystemdTakesTheUnitWithALastingUser(t *testing.T) {
	text, _ := readUnit(t)
	page, err := os.ReadFile(filepath.Join(root, "docs", "deploying.md"))
	require.NoError(t, err)
	_, lines, found := strings.Cut(string(page), "```ini\n")
	require.True(t, found)
	lines, _, _ = strings.Cut(lines, "```")
	says, err := analyze(t, text+"\n"+lines, "verify", "--man=no")
	require.NoError(t, err, says)
	assert.Empty(t, says)

	unit := deploycheck.ReadUnit(text + "\n" + lines)
	assert.Equal(t, "no", unit.Last("Service.DynamicUser"))
	assert.NotEmpty(t, unit.Last("Service.User"))
	assert.Empty(t, unit.Last("Service.LoadCredential"), "an empty value takes back those before")
}

// What the unit promises goes with what the service does.
func TestTheUnitsPromises(t *testing.T) {
	_, unit := readUnit(t)
	text, err := os.ReadFile(filepath.Join(systemd, "onetoken.yaml"))
	require.NoError(t, err)
	c, err := deploycheck.ReadConfiguration(string(text))
	require.NoError(t, err)

	start := unit.Last("Service.ExecStart")
	assert.Equal(t, installed+" refresher --config /etc/onetoken/onetoken.yaml", start)
	assert.Equal(t, []string{"+" + start + " --check", "kill -HUP $MAINPID"}, unit["Service.ExecReload"], "what is not good is not tried")
	assert.Equal(t, "notify", unit.Last("Service.Type"))
	assert.Empty(t, unit.Last("Service.RestartPreventExitStatus"), "a crash of Go ends with the status of a bad configuration")
	for key, least := range map[string]time.Duration{
		"Service.TimeoutStopSec": 10 * time.Second, // docs/service.md
		"Service.WatchdogSec":    30 * time.Second, // of a machine that is busy
	} {
		takes, err := time.ParseDuration(strings.Replace(unit.Last(key), "min", "m", 1))
		require.NoError(t, err, key)
		assert.Greater(t, takes, least, key)
	}

	assert.Equal(t, "/run/"+unit.Last("Service.RuntimeDirectory"), path.Dir(c.Socket()))
	assert.NotEmpty(t, c.UIDs())
	assert.Empty(t, unit.Last("Service.PrivateUsers"), "user ids of the socket's clients would be nobody's")
	assert.Contains(t, unit.Last("Service.RestrictAddressFamilies"), "AF_UNIX")
}

// The group of those who may connect is the one that sysusers.conf makes.
func TestTheUnitsGroup(t *testing.T) {
	tool, err := exec.LookPath("systemd-sysusers")
	if err != nil {
		t.Skip("there is no systemd-sysusers here: apt-get install systemd")
	}
	file, err := filepath.Abs(filepath.Join(systemd, "sysusers.conf"))
	require.NoError(t, err)
	host := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(host, "etc"), 0o755)) //nolint:gosec // as it is everywhere
	out, err := exec.CommandContext(t.Context(), tool, "--root="+host, file).CombinedOutput()
	require.NoError(t, err, "%s", out)
	groups, err := os.ReadFile(filepath.Join(host, "etc", "group"))
	require.NoError(t, err)
	_, unit := readUnit(t)
	assert.Contains(t, "\n"+string(groups), "\n"+unit.Last("Service.Group")+":")
}
