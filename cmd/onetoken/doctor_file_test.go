package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fileFinding is one of a file's, of which there are several of a name.
type fileFinding struct {
	finding
	Subject string
}

// examineFile is what the doctor has said of a file, by name and subject.
func examineFile(t *testing.T, path string, args ...string) (result, map[string]fileFinding) {
	t.Helper()
	got := world{}.run(t, append([]string{"doctor", "--json", "--config", path}, args...)...)
	var said struct {
		Checks []fileFinding
		OK     bool
	}
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &said), got.stdout)
	assert.Equal(t, got.code == exitOK, said.OK)
	for _, secret := range []string{testSecret, otherSecret, testPassword, "r3dis"} {
		assert.NotContains(t, got.stdout+got.stderr, secret)
	}
	all := map[string]fileFinding{}
	for _, f := range said.Checks {
		assert.False(t, f.Status == checkFail && f.Advice == "", f)
		assert.False(t, f.Status == checkWarn && f.Advice == "", f)
		all[strings.TrimSpace(f.Name+" "+f.Subject)] = f
	}
	return got, all
}

func TestDoctorOfAFile(t *testing.T) {
	t.Parallel()
	town, path := fileTown(t)
	got, all := examineFile(t, path)
	assert.Equal(t, exitOK, got.code, got.stderr)
	issuer := "issuer " + town.env["FEISHU_BASE_URL"]
	assert.Contains(t, all["configuration "+path].Found, "3 credentials, 0 clients, redis "+town.redis.Addr()+" database 0 without TLS, prefix onetoken, 1 disabled")
	for name, want := range map[string][2]string{
		"redis":                       {checkOK, "answers in "},
		"rehearsal":                   {checkOK, "token stored"},
		issuer:                        {checkOK, "answers in "},
		"credential crm":              {checkWarn, "no token is stored, and nobody has asked for one"},
		"credential hr":               {checkWarn, "no token is stored"},
		"credential idle":             {checkSkipped, "disabled"},
		"listener status 127.0.0.1:0": {checkOK, "the system picks a free port"},
		"service":                     {checkSkipped, "no status.listen that could be asked"},
		"versions":                    {checkSkipped, "redis holds none"},
		"refreshers":                  {checkSkipped, "no token is stored"},
		"clocks":                      {checkOK, "the issuer within 1s of ours"},
	} {
		require.Contains(t, all, name)
		assert.Equal(t, want[0], all[name].Status, "%s: %v", name, all[name])
		assert.Contains(t, all[name].Found, want[1], name)
	}
	assert.Zero(t, town.issuer.Stats().Calls, "no issuer is asked for a token unless --ask says so")

	got, all = examineFile(t, path, "--ask")
	assert.Equal(t, exitOK, got.code, got.stderr)
	assert.Regexp(t, `^the issuer gave a token, .* left$`, all["credential crm"].Found)
	assert.Equal(t, 2, town.issuer.Stats().Calls)
	_, all = examineFile(t, path, "--ask")
	assert.Regexp(t, `^a token, (2h0m0s|1h59m\S+) of 2h0m0s left, fetched \S+ \S+Z by \S+$`, all["credential hr"].Found)
	assert.Regexp(t, ` has fetched 2 tokens, the last `, all["refreshers"].Found)
	assert.Equal(t, 2, town.issuer.Stats().Calls, "what the fleet has is not asked for again")
}

func TestDoctorOfAFileWithTroubles(t *testing.T) {
	t.Parallel()
	town, path := fileTown(t)
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(path), "hr"), []byte("wrong-secret"), 0o600))
	got, all := examineFile(t, path, "--ask")
	assert.Equal(t, exitFailed, got.code)
	assert.Equal(t, checkFail, all["credential hr"].Status)
	assert.Contains(t, all["credential hr"].Found, "feishu refused: app secret invalid (code 10014")
	assert.Contains(t, got.stderr, "; 1 check failed: credential hr\n")
	_, all = examineFile(t, path)
	assert.Contains(t, all["credential hr"].Found, "no token is stored; the last call for one: feishu refused: app secret invalid")
	assert.Contains(t, all["credential hr"].Advice, "the issuer is asked again in ")

	for _, key := range town.redis.Keys() {
		if strings.Contains(key, "cli_test") && strings.HasSuffix(key, ":token") {
			town.redis.SetTTL(key, 9*time.Minute)
		}
	}
	_, all = examineFile(t, path)
	assert.Equal(t, checkOK, all["credential crm"].Status, "in its window")
	town.redis.Close()
	got, all = examineFile(t, path)
	assert.Equal(t, exitFailed, got.code)
	assert.Equal(t, checkSkipped, all["credential crm"].Status)
	assert.Equal(t, checkFail, all["redis"].Status)
	assert.Contains(t, all["redis"].Advice, "(redis.url)", "by the file's key, and not a variable")
}

func TestDoctorOnAFileThatIsWrong(t *testing.T) {
	t.Parallel()
	_, path := fileTown(t)
	require.NoError(t, os.WriteFile(path, []byte("credentials: 1\nstatus: {listen: here}\n"), 0o600))
	got := world{}.run(t, "doctor", "--config", path)
	assert.Equal(t, exitUsage, got.code)
	assert.Empty(t, got.stdout)
	assert.Equal(t, 2, strings.Count(got.stderr, "\n"), got.stderr)
	asJSON, all := examineFile(t, path)
	assert.Equal(t, exitUsage, asJSON.code)
	assert.Len(t, all, 1)
	for _, args := range [][]string{{"--ask"}, {"--service", "http://x"}, {"--ca-file", "x"}, {"--config", path, "--service", "redis://x"}} {
		assert.Equal(t, exitUsage, world{}.run(t, append([]string{"doctor"}, args...)...).code, args)
	}
}

// Of the fleet the services know that are asked: Redis has no versions.
func TestDoctorAsksServices(t *testing.T) {
	t.Parallel()
	_, path := fileTown(t)
	serving := func(now time.Time, version, names string) string {
		var credentials []string
		for name := range strings.FieldsSeq(names) {
			credentials = append(credentials, fmt.Sprintf(`{"name":%q,"state":"fresh"}`, name))
		}
		server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprintf(out, `{"version":%q,"now":%q,"started":%q,"config":{"error":"line 3 is bad"},"redis":{"state":"degraded","trouble":"timeout"},"credentials":[%s]}`,
				version, now.Format(time.RFC3339Nano), now.Add(-time.Hour).Format(time.RFC3339Nano), strings.Join(credentials, ","))
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	one, two, gone := serving(time.Now(), "v1.0.0 (go1.26)", "crm hr idle"), serving(time.Now().Add(-time.Hour), "v2.0.0", "crm hr old"), "http://"+nobody(t)
	got, all := examineFile(t, path, "--service", one, "--service", two, "--service", gone)
	assert.Equal(t, exitFailed, got.code)
	f := all["service "+one]
	assert.Equal(t, checkWarn, f.Status)
	assert.Contains(t, f.Found, "v1.0.0, started 1h0m0s ago, 3 credentials; it refuses the file as it is now, and uses the one before: line 3 is bad; redis is in trouble there: timeout")
	assert.NotContains(t, f.Found, "it does not have")
	assert.Contains(t, all["service "+two].Found, "it does not have idle, and it has old besides")
	assert.Equal(t, checkFail, all["service "+gone].Status)
	assert.Contains(t, all["service "+gone].Advice, "start it, or give the address of its status.listen")
	assert.Equal(t, checkWarn, all["versions"].Status)
	assert.Contains(t, all["versions"].Found, "v1.0.0 at "+one+", v2.0.0 at "+two)
	assert.Equal(t, checkOK, all["clocks "+one].Status, all["clocks "+one])
	assert.Equal(t, checkWarn, all["clocks "+two].Status)
	assert.Contains(t, all["clocks "+two].Found, "1h0m0s behind ours")
}

// Each client is shown, with what is odd about it.
func TestDoctorOnClients(t *testing.T) {
	t.Parallel()
	town, path := fileTown(t)
	dir := filepath.Dir(path)
	for name, text := range map[string]string{"new": "client-secret-that-is-new", "old": "client-secret-that-was"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	path = configOf(t, dir, town.env["FEISHU_BASE_URL"], `tokens:
  socket: t
  clients:
    - {name: billing, secret_file: new, credentials: [crm, hr]}
    - {name: changing, secret_file: old, previous_secret_file: crm, credentials: [crm]}
    - {name: cron, uid: 4000000000, credentials: [idle]}
gateway:
  listen: 127.0.0.1:0
  clients:
    - {name: billing, secret_file: new, credentials: [crm]}
`)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "crm"), []byte("shared-by-mistake-or-not"), 0o600))
	got, all := examineFile(t, path)
	assert.Equal(t, exitOK, got.code, got.stderr)
	assert.Equal(t, "by secret, for crm, hr", all["client billing of tokens"].Found)
	assert.Equal(t, "by secret, for crm", all["client billing of gateway"].Found)
	assert.Contains(t, all["client changing of tokens"].Found, "its previous secret is taken as well")
	assert.Equal(t, "by uid 4000000000, for idle; there is nothing that it could use; no user of this host has its uid", all["client cron of tokens"].Found)
	assert.Contains(t, all["listener status"].Found, "no status section")
	assert.Contains(t, all["listener tokens "+filepath.Join(dir, "t")].Found, "free")
	for _, secret := range []string{"client-secret-that", "shared-by-mistake"} {
		assert.NotContains(t, got.stdout, secret)
	}
}
