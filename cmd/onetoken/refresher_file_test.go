package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/advice"
	"github.com/onetoken-go/onetoken/internal/pulse"
	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/metrics"
	"github.com/onetoken-go/onetoken/tokencache"
)

// follower is a refresher in virtual time that follows a file and has a token.
type follower struct {
	t       *testing.T
	file    string
	log     *output
	issuer  *feishutest.Issuer
	handler http.Handler
}

// follow plays f in a bubble. The file holds the issuer's secret, and is named by name.
func follow(t *testing.T, name string, f func(*testing.T, follower)) {
	t.Helper()
	file := name
	if name != "-" {
		file = filepath.Join(t.TempDir(), name)
	}
	require.NoError(t, os.WriteFile(file, []byte(testSecret+"\n"), 0o600))
	synctest.Test(t, func(t *testing.T) {
		var log output
		logger := newLogger(&log, "info", "text")
		r := newRotation(logger)
		cache, err := tokencache.New(redistest.NewBubble(t).Client("a"), tokencache.Config{Logger: logger, Observe: r.observe})
		require.NoError(t, err)
		issuer := feishutest.New(feishutest.Config{AppID: "cli_test", AppSecret: testSecret})
		config := fetcher.FeishuConfig{AppID: "cli_test", AppSecret: tokencache.NewSecret(testSecret), Transport: issuer.RoundTripper()}
		feishu, err := fetcher.NewFeishu(config)
		require.NoError(t, err)
		r.begin(&session{
			cache: cache, issuer: feishu, account: feishuAccount(config),
			env: &environment{input: input{files: advice.Files{"FEISHU_APP_SECRET": file}}},
		})
		ctx, stop := context.WithCancel(t.Context())
		defer func() {
			stop()
			_ = cache.Close()
			r.end()
		}()
		go func() { _ = cache.Run(ctx) }()
		go r.run(ctx)
		p := &pulse.Pulse{}
		p.Watches(cache, r.look)
		time.Sleep(time.Second)
		f(t, follower{t, file, &log, issuer, refresherHandler(r, p, metrics.New(), logger, prometheus.NewCounter(prometheus.CounterOpts{Name: "x"}))})
	})
}

func (f follower) write(content string) {
	f.t.Helper()
	require.NoError(f.t, os.WriteFile(f.file, []byte(content), 0o600))
}

func (f follower) get(path string) (int, string) {
	got := httptest.NewRecorder()
	f.handler.ServeHTTP(got, httptest.NewRequest(http.MethodGet, path, nil))
	return got.Code, got.Body.String()
}

// metric is a line of /metrics, with its value.
func (f follower) metric(name string) string {
	f.t.Helper()
	_, text := f.get("/metrics")
	_, value, ok := strings.Cut(text, "\n"+name+" ")
	require.True(f.t, ok, name)
	value, _, _ = strings.Cut(value, "\n")
	return value
}

// What keeps the newest secret from being used is shown, while the one before serves.
func TestRefresherShowsWhyTheNewestSecretIsNotInUse(t *testing.T) {
	t.Parallel()
	follow(t, "secret", func(t *testing.T, f follower) {
		states := func() (all []string) {
			for _, state := range []string{"unfit", "untried", "refused", "failing"} {
				if f.metric(`onetoken_newer_secret{state="`+state+`"}`) == "1" {
					all = append(all, state)
				}
			}
			return all
		}
		show := func(of string) string {
			t.Helper()
			status, body := f.get("/readyz")
			require.Equal(t, http.StatusOK, status, "the old secret has a token")
			ready, warnings, _ := strings.Cut(body, "\n")
			assert.Regexp(t, `^ready: the token lives another \d+h\d+m\d+s$`, ready)
			assert.Equal(t, of, strings.Join(states(), " "))
			assert.Equal(t, of == "", f.metric("onetoken_newer_secret_since_timestamp_seconds") == "0")
			assert.NotContains(t, body, "secret-to-come")
			return warnings
		}
		assert.Empty(t, show(""))

		changed := time.Now()
		f.write("a-secret-to-come")
		time.Sleep(5 * time.Second)
		assert.Regexp(t, `^warning: what FEISHU_APP_SECRET_FILE holds is not in use \(refused since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\): feishu refused: app secret invalid .*; the secret that it held before serves\n$`, show("refused"))
		since := f.metric("onetoken_newer_secret_since_timestamp_seconds")
		assert.Contains(t, f.log.String(), `meanwhile="the secret that the file held before serves" token_remaining_seconds=71`)

		time.Sleep(30 * time.Minute)
		show("refused")
		assert.Equal(t, since, f.metric("onetoken_newer_secret_since_timestamp_seconds"), "since the first refusal")
		assert.Less(t, strings.Count(f.log.String(), "app secret invalid"), 12)

		f.write("")
		time.Sleep(5 * time.Second)
		warnings := show("unfit refused")
		assert.Contains(t, warnings, "not in use (unfit since ")
		assert.Contains(t, warnings, "the file cannot be used: it is empty; the secret that it held before serves\n")
		assert.Contains(t, warnings, "not in use (refused since ")

		f.write(testSecret)
		time.Sleep(5 * time.Second)
		assert.Empty(t, show(""), "it is taken back")

		f.issuer.SetAppSecret("another-secret-to-come")
		f.issuer.SetFault(feishutest.Status(http.StatusBadGateway))
		f.write("another-secret-to-come")
		time.Sleep(5 * time.Second)
		assert.Contains(t, show("failing"), "HTTP 502")
		f.issuer.SetFault(feishutest.Fault{})
		time.Sleep(time.Minute)
		assert.Empty(t, show(""), "it is in use")
		assert.Contains(t, f.log.String(), "the new secret is in use")
		assert.Less(t, time.Since(changed), time.Hour, "the first token lives yet")
	})
}

// Once the old secret has no token either, that is an outage, and the newest says why.
func TestRefresherIsNotReadyOnceTheOldSecretIsOver(t *testing.T) {
	t.Parallel()
	follow(t, "secret", func(t *testing.T, f follower) {
		f.issuer.SetAppSecret("a-third-secret")
		f.write("a-secret-to-come")
		time.Sleep(3 * time.Hour)
		status, body := f.get("/readyz")
		assert.Equal(t, http.StatusServiceUnavailable, status)
		assert.Regexp(t, `^not ready: feishu refused: app secret invalid [^\n]*\n$`, body)
		f.write("\ufeffa-third-secret")
		time.Sleep(5 * time.Second)
		_, body = f.get("/readyz")
		assert.Contains(t, body, "\nwarning: what FEISHU_APP_SECRET_FILE holds is not in use (unfit since ")
		assert.NotContains(t, body, "serves")
		f.write("a-third-secret")
		time.Sleep(5 * time.Second)
		status, _ = f.get("/readyz")
		assert.Equal(t, http.StatusOK, status)
	})
}

// A file that is written in place is read while it is half there, or empty, or gone: that is
// neither tried nor told of.
func TestHalfAWrittenSecretDoesNotCount(t *testing.T) {
	t.Parallel()
	const whole = "a-secret-of-some-length"
	for name, half := range map[string]func(f follower){
		"half":     func(f follower) { f.write(whole[:9]) },
		"empty":    func(f follower) { f.write("") },
		"gone":     func(f follower) { require.NoError(f.t, os.Remove(f.file)) },
		"two ways": func(f follower) { f.write(""); time.Sleep(80 * time.Millisecond); f.write(whole[:9]) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			follow(t, "secret", func(t *testing.T, f follower) {
				f.issuer.SetAppSecret(whole)
				time.Sleep(950 * time.Millisecond) // just before it is read
				half(f)
				time.Sleep(150 * time.Millisecond)
				f.write(whole + "\n")
				time.Sleep(time.Minute)
				assert.Zero(t, f.issuer.Stats().Refused)
				assert.NotContains(t, f.log.String(), "level=WARN")
				assert.Equal(t, 1, strings.Count(f.log.String(), "the new secret is in use"), f.log.String())
			})
		})
	}
}

// A file that never rests, or cannot be read to its end, is told of, once.
func TestSecretThatNeverRestsIsToldOnce(t *testing.T) {
	t.Parallel()
	follow(t, "secret", func(t *testing.T, f follower) {
		for i := range 600 {
			f.write("secret-number-" + strings.Repeat("i", i%7))
			time.Sleep(100 * time.Millisecond)
		}
		assert.Equal(t, 1, strings.Count(f.log.String(), "no two in a row were the same"), f.log.String())
		status, body := f.get("/readyz")
		assert.Equal(t, http.StatusOK, status)
		assert.Contains(t, body, "(unfit since ")
	})
}

// Standard input has been read: a file of that name is nobody's secret.
func TestFileNamedAsStandardInputIsNotFollowed(t *testing.T) {
	t.Chdir(t.TempDir())
	follow(t, "-", func(t *testing.T, f follower) {
		f.write("a-strangers-secret")
		time.Sleep(time.Minute)
		assert.NotContains(t, f.log.String(), "secret has changed")
		assert.Equal(t, 1, f.issuer.Stats().Calls)
	})
}

// A file that is gone for a moment when the refresher starts is followed all the same.
func TestFileThatIsGoneAtTheStartIsFollowed(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "secret")
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		readings := make(chan reading)
		go followFile(ctx, file, nil, readings)
		time.Sleep(time.Second)
		require.NoError(t, os.WriteFile(file, []byte(testSecret), 0o600))
		assert.Equal(t, reading{raw: testSecret}, <-readings)
		stop()
		_, more := <-readings
		assert.False(t, more)
	})
}
