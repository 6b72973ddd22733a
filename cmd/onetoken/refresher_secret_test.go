package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/tokencache"
)

// mount is a file of a secret, as it is swapped by hand or by an orchestrator.
type mount struct {
	t      *testing.T
	dir    string
	links  bool
	swaps  int
	secret string
}

// newMount holds the secret of newTown.
func newMount(t *testing.T, links bool) *mount {
	t.Helper()
	m := &mount{t: t, dir: t.TempDir(), links: links}
	m.swap(testSecret)
	return m
}

func (m *mount) file() string {
	if m.links {
		return filepath.Join(m.dir, "data", "secret")
	}
	return filepath.Join(m.dir, "secret")
}

// swap has the file hold another secret at once: renamed over the old one, or in another folder
// to which a link then points.
func (m *mount) swap(secret string) {
	m.t.Helper()
	m.swaps++
	m.secret = secret
	if !m.links {
		written := filepath.Join(m.dir, "written")
		require.NoError(m.t, os.WriteFile(written, []byte(secret+"\n"), 0o600))
		require.NoError(m.t, os.Rename(written, m.file()))
		return
	}
	folder, link := fmt.Sprintf("data.%d", m.swaps), filepath.Join(m.dir, "link")
	require.NoError(m.t, os.Mkdir(filepath.Join(m.dir, folder), 0o700))
	require.NoError(m.t, os.WriteFile(filepath.Join(m.dir, folder, "secret"), []byte(secret), 0o600))
	require.NoError(m.t, os.Symlink(folder, link))
	require.NoError(m.t, os.Rename(link, filepath.Join(m.dir, "data")))
}

func (m *mount) world(town town) world {
	return town.with("FEISHU_APP_SECRET", "", "FEISHU_APP_SECRET_FILE", m.file())
}

var watchedKey = regexp.MustCompile(`\nonetoken_token_remaining_seconds\{id="([^"]*)"\}`)

// awaitSecret returns once the refresher keeps the token of that secret, and of no other. It is
// ready all the while.
func (r refresher) awaitSecret(town town, secret string) {
	r.t.Helper()
	f, err := fetcher.NewFeishu(fetcher.FeishuConfig{
		AppID: town.env["FEISHU_APP_ID"], AppSecret: tokencache.NewSecret(secret), BaseURL: town.env["FEISHU_BASE_URL"],
	})
	require.NoError(r.t, err)
	ready := true
	require.Eventually(r.t, func() bool {
		ready = ready && r.status("/readyz") == http.StatusOK
		_, text := r.ask(http.MethodGet, "/metrics")
		keys := watchedKey.FindAllStringSubmatch(text, -1)
		return len(keys) == 1 && keys[0][1] == f.Credential().ID()
	}, 20*time.Second, 5*time.Millisecond)
	assert.True(r.t, ready, "ready all the while")
}

// A rotated secret needs no restart, however the file is swapped.
func TestRefresherFollowsTheSecret(t *testing.T) {
	t.Parallel()
	for name, links := range map[string]bool{"renamed": false, "linked": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			town, m := newTown(t), newMount(t, links)
			r := startRefresher(t, m.world(town), "--log-level", "info")
			r.awaitReady(http.StatusOK)

			town.issuer.SetAppSecret("another-secret")
			m.swap("another-secret")
			r.awaitSecret(town, "another-secret")
			calls := town.issuer.Stats().Calls
			got := m.world(town).run(t, "token")
			assert.Equal(t, exitOK, got.code, got.stderr)
			assert.Equal(t, calls, town.issuer.Stats().Calls, "the token is in redis")

			for i := range 20 {
				secret := fmt.Sprintf("secret-number-%d", i)
				town.issuer.SetAppSecret(secret)
				m.swap(secret)
			}
			r.awaitSecret(town, m.secret)
			r.noSecrets(town)
			end := r.stop()
			assert.Equal(t, exitOK, end.code)
			assert.NotContains(t, end.stderr, "another-secret")
			assert.NotContains(t, end.stderr, "secret-number")
			assert.NotContains(t, end.stderr, "level=WARN")
		})
	}
}

// A refresher that was started with a secret that is no good any more is mended by the file.
func TestRefresherReadsARefusedSecretAgain(t *testing.T) {
	t.Parallel()
	town, m := newTown(t), newMount(t, true)
	town.issuer.SetAppSecret("another-secret")
	r := startRefresher(t, m.world(town))
	eventually(t, func() bool {
		_, body := r.ask(http.MethodGet, "/readyz")
		return strings.Contains(body, "check FEISHU_APP_ID and FEISHU_APP_SECRET_FILE")
	})
	m.swap("another-secret")
	r.awaitReady(http.StatusOK)
	r.awaitSecret(town, "another-secret")

	// One that comes before the console has it does no harm, and is taken back.
	m.swap("a-secret-to-come")
	require.Eventually(t, func() bool { return town.issuer.Stats().Refused == 2 }, 20*time.Second, 5*time.Millisecond)
	assert.Equal(t, http.StatusOK, r.status("/readyz"))
	eventually(t, func() bool {
		_, body := r.ask(http.MethodGet, "/readyz")
		return strings.Contains(body, "(refused since ") // it is untried until the answer has been observed
	})
	got := world{}.run(t, "refresher", "--check", "--listen", strings.TrimPrefix(r.at, "http://"))
	assert.Equal(t, exitOK, got.code)
	assert.Regexp(t, `^ready: [^\n]*\nwarning: [^\n]*refused[^\n]*\n$`, got.stdout)
	m.swap("another-secret")
	r.awaitSecret(town, "another-secret")
	assert.Equal(t, exitOK, r.stop().code)
}

// What cannot be used in the middle of a rotation keeps the old secret, and is told once.
func TestRefresherKeepsTheSecretOfAnUnfitFile(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]struct {
		by   func(t *testing.T, file string)
		says string
	}{
		"empty":          {func(t *testing.T, file string) { require.NoError(t, os.WriteFile(file, nil, 0o600)) }, "it is empty"},
		"gone":           {func(t *testing.T, file string) { require.NoError(t, os.Remove(file)) }, "no such file"},
		"half an editor": {func(t *testing.T, file string) { require.NoError(t, os.WriteFile(file, []byte("x\n\n"), 0o600)) }, "FEISHU_APP_SECRET_FILE: its last character is a newline"},
		"in another code": {func(t *testing.T, file string) {
			require.NoError(t, os.WriteFile(file, []byte("\xff\xfex\x00"), 0o600))
		}, "FEISHU_APP_SECRET_FILE: its first character is not UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			town, m := newTown(t), newMount(t, false)
			r := startRefresher(t, m.world(town))
			r.awaitReady(http.StatusOK)
			spoil.by(t, m.file())
			require.Eventually(t, func() bool { return strings.Contains(r.stderr.String(), spoil.says) }, 20*time.Second, 5*time.Millisecond)
			r.awaitSecret(town, testSecret)
			town.issuer.SetAppSecret("another-secret")
			m.swap("another-secret")
			r.awaitSecret(town, "another-secret")
			end := r.stop()
			assert.Equal(t, exitOK, end.code)
			assert.Equal(t, 1, strings.Count(end.stderr, "cannot be used"), end.stderr)
		})
	}
}

// However often an unfit file is read, each reason is told of once, until it was fit.
func TestUnfitSecretIsToldOncePerReason(t *testing.T) {
	t.Parallel()
	town := newTown(t)
	var log output
	a := &app{getenv: func(name string) string { return town.env[name] }, stderr: &lineQueue{out: io.Discard}, logger: newLogger(&log, "warn", "text")}
	env := a.environment()
	s, err := a.open(t.Context(), env, opening{credential: true})
	require.NoError(t, err)
	defer s.close()
	r := newRotation(a.logger)
	r.begin(s)
	defer r.end()
	for range 3 {
		r.take(t.Context(), "", nil)
		r.take(t.Context(), "", os.ErrPermission)
		r.take(t.Context(), "two words", nil)
	}
	for _, reason := range []string{"it is empty", "permission denied", "FEISHU_APP_SECRET: its character 4 is a space"} {
		assert.Equal(t, 1, strings.Count(log.String(), reason), log.String())
	}
	for i := range 99 {
		r.take(t.Context(), strings.Repeat("x", i+1)+" x", nil)
	}
	assert.Equal(t, mostReasons, strings.Count(log.String(), "cannot be used"), "in ever new ways")
	r.take(t.Context(), testSecret+"\n", nil)
	r.take(t.Context(), "", nil)
	assert.Equal(t, mostReasons+1, strings.Count(log.String(), "cannot be used"), log.String())
	live, next := r.identities()
	assert.Equal(t, s.source.ID(), live.source.ID())
	assert.Nil(t, next)
}
