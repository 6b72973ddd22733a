package main

import (
	"encoding/json"
	"errors"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/witness"
	"github.com/onetoken-go/onetoken/tokencache"
)

// Whoever runs many refreshers reads their lines in one place.
func TestLogLinesNameTheCredential(t *testing.T) {
	t.Parallel()
	for format, field := range map[string]func(t *testing.T, line, name string) string{
		"text": func(_ *testing.T, line, name string) string {
			_, value, _ := strings.Cut(regexp.MustCompile(` `+name+`=\S+`).FindString(line), "=")
			return value
		},
		"json": func(t *testing.T, line, name string) string {
			var o map[string]any
			require.NoError(t, json.Unmarshal([]byte(line), &o), line)
			text, _ := o[name].(string)
			return text
		},
	} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			town := newTown(t)
			town.redis.SetError("OOM command not allowed when used memory > 'maxmemory'.")
			town.issuer.FailNext(1, feishutest.Refusal(5000, "internal error"))
			r := startRefresher(t, town.world, "--log-level", "debug", "--log-format", format)
			r.awaitReady(200)
			town.redis.SetError("")
			eventually(t, func() bool { return strings.Contains(r.stderr.String(), "redis no longer refuses") })
			end := r.stop()
			for _, message := range []string{"new token", "redis refuses", "redis no longer refuses", "no token from the issuer", "cache"} {
				assert.Contains(t, end.stderr, message)
			}
			for line := range strings.Lines(end.stderr) {
				if strings.HasPrefix(line, "onetoken: ") || strings.Contains(line, "redis client") {
					continue // of the process, or of connections
				}
				line = strings.TrimSpace(line)
				assert.Regexp(t, `^feishu:cli_test:[0-9a-f]{32}$`, field(t, line, "id"), line)
				assert.Equal(t, "cli_test", field(t, line, "app"), line)
			}
		})
	}
}

// A duration reads the same in both formats, and its name has the unit.
func TestLoggedDurationsAreSeconds(t *testing.T) {
	t.Parallel()
	for format, want := range map[string][]string{
		"text": {"took_seconds=0.000346 remaining_seconds=7199 err=broken", "other_seconds=120.5"},
		"json": {`"took_seconds":0.000346,"remaining_seconds":7199,"err":"broken"`, `"other_seconds":120.5`},
	} {
		var out output
		logger := newLogger(&out, "debug", format)
		seen := witness.New(logger)
		seen.Log(tokencache.Event{
			Kind: tokencache.EventCall, ID: "feishu:cli_test:0", Duration: 345678 * time.Nanosecond, Remaining: 7199 * time.Second, Err: errors.New("broken"),
		})
		logger.With(slog.Group("g", slog.Int("n", 1))).Info("x", "other", 120500*time.Millisecond)
		for _, part := range want {
			assert.Contains(t, out.String(), part, format)
		}
	}
}
