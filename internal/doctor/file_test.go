package doctor

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/config"
	"github.com/onetoken-go/onetoken/tokencache"
)

// examOf has a credential, crm, in a Redis of its own.
func examOf(t *testing.T) (*fileExam, *miniredis.Miniredis) {
	t.Helper()
	dir, server := t.TempDir(), miniredis.RunT(t)
	for name, text := range map[string]string{"crm": "secret-of-crm", "onetoken.yaml": "credentials:\n  - {name: crm, kind: feishu, app_id: cli_a, app_secret_file: crm}\n"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	path := filepath.Join(dir, "onetoken.yaml")
	file, err := config.Read(t.Context(), path, os.Getenv)
	require.NoError(t, err)
	rdb := redis.NewClient(&redis.Options{Addr: server.Addr()})
	t.Cleanup(func() { _ = rdb.Close() })
	cache := tokencache.Config{Logger: slog.New(slog.DiscardHandler), Observe: func(tokencache.Event) {}}
	return &fileExam{
		FileConfig: FileConfig{Path: path, File: file, Redis: rdb},
		chart:      &chart{out: &bytes.Buffer{}, keys: true},
		patient:    newPatient(Config{Redis: rdb, Cache: cache}),
	}, server
}

// found is what the exam has found, by name and subject.
func (x *fileExam) found() map[string]finding {
	all := map[string]finding{}
	for _, f := range x.chart.findings {
		all[f.name()] = f.finding
	}
	return all
}

// What Redis does not tell is a finding, and not the same as that there is nothing.
func TestRedisThatDoesNotTellOfCredentials(t *testing.T) {
	t.Parallel()
	x, server := examOf(t)
	server.SetError("NOPERM No permissions to access a key")
	x.credentials(t.Context(), false)
	x.refreshers()
	all := x.found()
	assert.Equal(t, checkFail, all["credentials"].Status)
	assert.Contains(t, all["credentials"].Found, "NOPERM")
	assert.NotEmpty(t, all["credentials"].Advice)
	assert.Equal(t, skipped("credential", "redis has not told of it"), all["credential crm"])
	assert.Equal(t, skipped("refreshers", "unknown: redis has not told who fetched what"), all["refreshers"])

	x, _ = examOf(t)
	x.credentials(t.Context(), true)
	assert.Equal(t, map[string]finding{"credential crm": skipped("credential", "redis is not at hand")}, x.found(), "it is told elsewhere")
}
