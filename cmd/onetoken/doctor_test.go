package main

import (
	"context"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// checks are the names, in their order.
var checks = []string{
	"configuration", "redis", "version", "role", "eviction", "permissions", "rehearsal", "events",
	"issuer", "clocks", "credentials",
}

// finding is one of them in JSON.
type finding struct{ Name, Status, Found, Advice string }

// What Status may be.
const (
	checkOK      = "ok"
	checkWarn    = "warn"
	checkFail    = "fail"
	checkSkipped = "skipped"
)

// examined is what the doctor has said in JSON.
type examined struct {
	result
	Checks []finding `json:"checks"`
	OK     bool      `json:"ok"`
}

func examine(t *testing.T, w world, args ...string) examined {
	t.Helper()
	e := examined{result: w.run(t, append([]string{"doctor", "--json"}, args...)...)}
	require.NoError(t, json.Unmarshal([]byte(e.stdout), &e), e.stdout)
	for _, secret := range []string{testSecret, testPassword, "rehearsal-"} {
		assert.NotContains(t, e.stdout+e.stderr, secret)
	}
	return e
}

// of is the finding of a name.
func (e examined) of(t *testing.T, name string) finding {
	t.Helper()
	i := slices.IndexFunc(e.Checks, func(f finding) bool { return f.Name == name })
	require.GreaterOrEqual(t, i, 0, "%s in %s", name, e.stdout)
	return e.Checks[i]
}

// statuses are those that are not "ok".
func (e examined) statuses() map[string]string {
	all := map[string]string{}
	for _, f := range e.Checks {
		if f.Status != checkOK {
			all[f.Name] = f.Status
		}
	}
	return all
}

func TestDoctorFindsAllWell(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	got := town.run(t, "doctor")
	assert.Equal(t, exitOK, got.code, got.stdout)
	assert.Empty(t, got.stderr)
	lines := strings.Split(strings.TrimSuffix(got.stdout, "\n"), "\n")
	require.Len(t, lines, len(checks), got.stdout)
	for i, name := range checks {
		assert.Regexp(t, `^(ok  |warn|fail|skip)\S*\s+`+name+` +\S`, lines[i])
		assert.Equal(t, strings.Index(lines[0], "configuration"), strings.Index(lines[i], name), "aligned")
	}
	assert.Contains(t, lines[0], "app cli_test, issuer "+town.env["FEISHU_BASE_URL"]+", redis "+town.redis.Addr()+" database 0 without TLS, prefix onetoken")
	assert.Regexp(t, `the issuer gave a token, (2h0m0s|1h59m\d+s) left\n`, got.stdout)

	again := examine(t, town.world)
	assert.Equal(t, exitOK, again.code)
	assert.True(t, again.OK)
	assert.Regexp(t, `^the fleet has a token, (2h0m0s|1h59m\d+s) left; the issuer was not asked$`, again.of(t, "credentials").Found)
	assert.Equal(t, 1, town.issuer.Stats().Calls)
	for _, key := range town.redis.Keys() {
		assert.NotContains(t, key, "doctor", "nothing is left behind")
	}
}

// Half of all troubles is another Redis or issuer than one thinks. The answer to "what now"
// comes before the count.
func TestDoctorSaysWhomItAsks(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"redis://user:" + "r3dis%2Bp%2Fss@127.0.0.1:1/3":                     "127.0.0.1:1 database 3 without TLS",
		"rediss://:r3dis%2Bp%2Fss@127.0.0.1:1":                               "127.0.0.1:1 database 0 with TLS",
		"unix://user:r3dis%2Bp%2Fss@/no/such.sock?db=2":                      "/no/such.sock database 2 without TLS",
		"redis://:r3dis%2Bp%2Fss@127.0.0.1:1?addr=127.0.0.1:2":               "cluster 127.0.0.1:1 127.0.0.1:2 database 0 without TLS",
		"redis://:r3dis%2Bp%2Fss@127.0.0.1:1/1?master_name=one&addr=[::1]:2": "master one of sentinel 127.0.0.1:1 [::1]:2 database 1 without TLS",
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			issuer := "http://" + nobody(t)
			got := examine(t, world{}.with("REDIS_URL", raw, "FEISHU_APP_ID", "cli_test", "FEISHU_APP_SECRET", testSecret, "FEISHU_BASE_URL", issuer+"/sub"))
			assert.Equal(t, "app cli_test, issuer "+issuer+"/sub, redis "+want+", prefix onetoken", got.Checks[0].Found)
			assert.Equal(t, exitFailed, got.code)
			assert.Equal(t, "onetoken: "+got.of(t, "redis").Advice+"; 2 checks failed: redis, issuer\n", got.stderr)
			for _, f := range got.Checks {
				assert.False(t, f.Status == checkFail && f.Advice == "", f)
			}
		})
	}
}

func TestDoctorOnConfiguration(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	w := town.with("FEISHU_APP_SECRET", "", "ONETOKEN_PREFIX", "a b", "REDIS_URL", "localhost")
	got := w.run(t, "doctor")
	assert.Equal(t, exitUsage, got.code)
	assert.Empty(t, got.stdout)
	assert.Equal(t, 3, strings.Count(got.stderr, "\n"), got.stderr)
	asJSON := examine(t, w)
	assert.Equal(t, exitUsage, asJSON.code)
	assert.False(t, asJSON.OK)
	require.Len(t, asJSON.Checks, 1)
	assert.Contains(t, asJSON.Checks[0].Found, "FEISHU_APP_SECRET is not set")
	assert.Contains(t, asJSON.Checks[0].Found, "REDIS_URL has no scheme")
	assert.Zero(t, town.issuer.Stats().Calls)

	assert.Equal(t, exitUsage, town.run(t, "doctor", "now").code)
	plain := examine(t, town.with("FEISHU_BASE_URL", "http://issuer.invalid"))
	assert.Equal(t, checkWarn, plain.of(t, "configuration").Status)
	assert.Contains(t, plain.of(t, "configuration").Advice, "use https")
}

func TestDoctorOnAWrongSecret(t *testing.T) {
	t.Parallel()
	const wrong = "wr/ng+s=cret~77"
	w := newTown(t).with("FEISHU_APP_SECRET", wrong)
	first := examine(t, w, "--log-level", "debug")
	assert.Equal(t, exitFailed, first.code)
	assert.Contains(t, first.stderr, "onetoken: check FEISHU_APP_ID and FEISHU_APP_SECRET")
	assert.Contains(t, first.stderr, "; 1 check failed: credentials\n")
	f := first.of(t, "credentials")
	assert.Equal(t, checkFail, f.Status)
	assert.Contains(t, f.Found, "feishu refused: app secret invalid (code 10014")
	assert.Regexp(t, `^check FEISHU_APP_ID and FEISHU_APP_SECRET`, f.Advice)
	assert.NotContains(t, f.Advice, "remembered")
	assert.NotContains(t, first.stdout+first.stderr, wrong)
	assert.Contains(t, examine(t, w).of(t, "credentials").Advice, "remembered from an earlier call")
}

func TestDoctorOnTheIssuer(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	closing, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer closing.Close()
	go func() {
		for conn, err := closing.Accept(); err == nil; conn, err = closing.Accept() {
			_ = conn.Close()
		}
	}()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	plain := strings.Replace(town.env["FEISHU_BASE_URL"], "http:", "https:", 1)
	for at, want := range map[string][2]string{
		"http://" + nobody(t):               {"connection refused", "check FEISHU_BASE_URL"},
		"http://" + closing.Addr().String(): {"feishu: no answer: ", "check FEISHU_BASE_URL"},
		"http://no-such-host.invalid":       {"lookup no-such-host.invalid", "DNS"},
		secure.URL:                          {"unknown authority", "CA certificates"},
		plain:                               {"speaks HTTP, not HTTPS", "is it http:// there?"},
	} {
		t.Run(at, func(t *testing.T) {
			got := examine(t, town.with("FEISHU_BASE_URL", at))
			assert.Equal(t, exitFailed, got.code)
			f := got.of(t, "issuer")
			assert.Equal(t, checkFail, f.Status)
			assert.Contains(t, f.Found, want[0])
			assert.Contains(t, f.Advice, want[1])
			assert.Equal(t, checkSkipped, got.of(t, "credentials").Status)
			assert.Equal(t, checkOK, got.of(t, "rehearsal").Status)
		})
	}
	assert.Zero(t, town.issuer.Stats().Calls)
}

// It is reached, but is none.
func TestDoctorOnAnotherWebSite(t *testing.T) {
	t.Parallel()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat))
		_, _ = w.Write([]byte("<html>welcome"))
	}))
	defer web.Close()
	got := examine(t, newTown(t).with("FEISHU_BASE_URL", web.URL))
	assert.Equal(t, exitFailed, got.code)
	assert.Equal(t, map[string]string{"credentials": checkFail, "clocks": checkWarn, "version": checkSkipped, "role": checkSkipped, "eviction": checkSkipped}, got.statuses())
	assert.Contains(t, got.of(t, "credentials").Found, "a page of HTML")
	assert.Contains(t, got.of(t, "clocks").Found, "the issuer 1h0m0s behind ours")
}

func TestDoctorWithoutRedis(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	town.redis.Close()
	got := examine(t, town.world)
	assert.Equal(t, exitFailed, got.code)
	assert.Regexp(t, `^redis unreachable: dial tcp .* refused$`, got.of(t, "redis").Found)
	assert.Equal(t, "check the address and that redis runs (REDIS_URL)", got.of(t, "redis").Advice)
	for _, name := range checks[2:8] {
		assert.Equal(t, checkSkipped, got.of(t, name).Status, name)
	}
	f := got.of(t, "credentials")
	assert.Equal(t, checkWarn, f.Status)
	assert.Equal(t, "the issuer gave a token, 2h0m0s left, asked around redis and not shared", f.Found)
	assert.Equal(t, "mend what failed above", f.Advice)
}

func TestDoctorIsInterrupted(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	got := newTown(t).runUntil(t, ctx, "doctor")
	assert.Equal(t, exitFailed, got.code)
	assert.Equal(t, "onetoken: interrupted\n", got.stderr)
	assert.NotContains(t, got.stdout, "fail")
}

func TestDoctorsHelpFitsIn80Columns(t *testing.T) {
	t.Parallel()
	got := world{}.run(t, "doctor", "-h")
	require.Equal(t, exitOK, got.code)
	text, _, _ := strings.Cut(got.stdout, "\nFlags:") // these are laid out by pflag
	for line := range strings.Lines(text) {
		assert.LessOrEqual(t, len(strings.TrimRight(line, "\n")), 80, line)
	}
	for _, name := range checks {
		assert.Contains(t, got.stdout, "\n  "+name+" ")
	}
	for _, name := range []string{"files", "credential", "listener", "certificate", "client", "service", "versions", "refreshers"} {
		assert.Contains(t, got.stdout, "\n  "+name+" ", "of a file")
	}
}
