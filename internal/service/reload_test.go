package service

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/internal/service/config"
	"github.com/onetoken-go/onetoken/internal/service/vault"
	"github.com/onetoken-go/onetoken/tokencache"
)

// town is a service in a bubble, which follows its files; its doors are closed.
type town struct {
	*Service
	t      *testing.T
	dir    string
	log    *redistest.Output
	bubble *redistest.Bubble
}

const plainConfig = `
credentials:
  - {name: crm, kind: feishu, app_id: cli_a, app_secret_file: crm, base_url: "http://127.0.0.1:1"}
status: {listen: "127.0.0.1:8080"}
tokens:
  listen: "127.0.0.1:8081"
  clients:
    - {name: billing, secret_file: billing, credentials: [crm]}
`

func inTown(t *testing.T, play func(*testing.T, *town)) {
	t.Helper()
	w := &town{t: t, dir: t.TempDir(), log: &redistest.Output{}}
	w.write("onetoken.yaml", plainConfig)
	w.write("crm", "secret-of-crm\n")
	w.write("billing", "secret-of-billing-1\n")
	synctest.Test(t, func(t *testing.T) {
		o := Options{Path: filepath.Join(w.dir, "onetoken.yaml"), Getenv: func(string) string { return "" }, Logger: slog.New(slog.NewTextHandler(w.log, nil))}
		first, err := config.Read(t.Context(), o.Path, o.Getenv)
		require.NoError(t, err)
		w.bubble = redistest.NewBubble(t)
		s, err := newService(o, first)
		require.NoError(t, err)
		s.cache, err = tokencache.New(w.bubble.Client("a"), tokencache.Config{Logger: o.Logger})
		require.NoError(t, err)
		s.vault = vault.New(vault.Config{Cache: s.cache, Logger: o.Logger})
		s.pulse.Watches(s.cache, s.vault.Look)
		s.config = first
		s.loaded.note(s.apply(first))
		w.Service = s
		ctx, stop := context.WithCancel(t.Context())
		defer func() {
			stop()
			_ = s.cache.Close()
			synctest.Wait()
		}()
		go s.follow(ctx, first)
		play(t, w)
	})
}

func (w *town) write(name, content string) {
	w.t.Helper()
	require.NoError(w.t, os.WriteFile(filepath.Join(w.dir, name), []byte(content), 0o600))
}

func (w *town) refused() string {
	w.t.Helper()
	_, err := w.loaded.get()
	if err == nil {
		return ""
	}
	return err.Error()
}

func (w *town) revision() string {
	e, ok := w.vault.Find("crm")
	require.True(w.t, ok)
	return e.Serving().Revision
}

func TestReloadTakesWhatHasChanged(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		loaded, before := strings.Count(w.log.String(), "the configuration is loaded"), w.revision()
		time.Sleep(time.Hour)
		assert.Equal(t, loaded, strings.Count(w.log.String(), "the configuration is loaded"), "nothing has changed")

		w.write("crm", "another-secret-of-crm\n")
		time.Sleep(3 * time.Second)
		assert.NotEqual(t, before, w.revision(), "a secret is read again")
		assert.Contains(t, w.log.String(), "changed=[crm]")

		w.write("onetoken.yaml", strings.Replace(plainConfig, "{name: crm,", "{name: m2m, kind: oauth2, token_url: \"https://idp.example/t\", client_id: x, client_secret_file: crm}\n  - {name: crm,", 1))
		time.Sleep(3 * time.Second)
		_, ok := w.vault.Find("m2m")
		assert.True(t, ok)
		assert.Empty(t, w.refused())

		w.write("onetoken.yaml", plainConfig)
		w.hurry()
		time.Sleep(settling + time.Millisecond)
		_, ok = w.vault.Find("m2m")
		assert.False(t, ok, "at once when told to")
		assert.NotContains(t, w.log.String(), "secret-of")
	})
}

// A file with an error is refused whole and by name, and what was before stays.
func TestReloadRefusesErrors(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		before := w.revision()
		for name, content := range map[string]string{
			"onetoken.yaml": strings.Replace(plainConfig, "kind: feishu", "kind: lark", 1),
			"crm":           "",
			"billing":       "short",
		} {
			path := filepath.Join(w.dir, name)
			good, err := os.ReadFile(path)
			require.NoError(t, err)
			w.write(name, content)
			time.Sleep(3 * time.Second)
			assert.Contains(t, w.refused(), "onetoken.yaml:", name)
			assert.Equal(t, before, w.revision())
			assert.Contains(t, w.log.String(), "the configuration is refused, and the one before stays")
			told := strings.Count(w.log.String(), "is refused")
			time.Sleep(time.Minute)
			assert.Equal(t, told, strings.Count(w.log.String(), "is refused"), "once")

			w.write(name, string(good))
			time.Sleep(3 * time.Second)
			assert.Empty(t, w.refused(), name)
		}
		require.NoError(t, os.Remove(filepath.Join(w.dir, "crm")))
		time.Sleep(3 * time.Second)
		assert.Contains(t, w.refused(), "app_secret_file")
		assert.Equal(t, before, w.revision())
	})
}

func TestReloadCannotChangeWhatNeedsARestart(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		for was, is := range map[string]string{
			`status: {listen: "127.0.0.1:8080"}`: `status: {listen: "127.0.0.1:8090"}`,
			`listen: "127.0.0.1:8081"`:           `listen: "127.0.0.1:8091"`,
			"\ncredentials:":                     "\nredis: {prefix: other}\ncredentials:",
			"  clients:\n":                       "  socket: other.sock\n  clients:\n",
			"\nstatus:":                          "\ngateway: {listen: \"127.0.0.1:8082\", clients: []}\nstatus:",
		} {
			w.write("onetoken.yaml", strings.Replace(plainConfig, was, is, 1))
			time.Sleep(3 * time.Second)
			assert.Contains(t, w.refused(), "needs a restart", is)
			assert.Equal(t, "127.0.0.1:8080", w.config.Status.Listen)
		}
		w.write("onetoken.yaml", plainConfig)
		time.Sleep(3 * time.Second)
		assert.Empty(t, w.refused())
	})
}

// Of a gateway its clients and its certificates alone are taken.
func TestGatewayAndRestarts(t *testing.T) {
	at := func(listen string, tls *config.ServerTLS, clients ...config.Client) config.Gateway {
		return config.Gateway{Listener: config.Listener{Listen: listen, TLS: tls}, Clients: clients}
	}
	before := at("127.0.0.1:8082", nil)
	for name, c := range map[string]struct {
		before, then config.Gateway
		told         []string
	}{
		"the same":               {before, before, nil},
		"another client":         {before, at("127.0.0.1:8082", nil, config.Client{Name: "bot"}), nil},
		"another certificate":    {at(":1", &config.ServerTLS{}), at(":1", &config.ServerTLS{}), nil},
		"another address":        {before, at("127.0.0.1:8083", nil), []string{"gateway.listen"}},
		"TLS":                    {before, at("127.0.0.1:8082", &config.ServerTLS{}), []string{"gateway.tls"}},
		"no TLS":                 {at("127.0.0.1:8082", &config.ServerTLS{}), before, []string{"gateway.tls"}},
		"a first one":            {config.Gateway{}, before, []string{"gateway.listen"}},
		"none any more":          {before, config.Gateway{}, []string{"gateway.listen"}},
		"a first one, with TLS":  {config.Gateway{}, at(":1", &config.ServerTLS{}), []string{"gateway.listen", "gateway.tls"}},
		"none, as it was before": {config.Gateway{}, config.Gateway{}, nil},
	} {
		s := &Service{Options: Options{Path: "onetoken.yaml"}, config: &config.Config{Gateway: c.before}}
		err := s.restartNeeded(&config.Config{Gateway: c.then})
		if c.told == nil {
			assert.NoError(t, err, name)
			continue
		}
		require.Error(t, err, name)
		lines := strings.Split(err.Error(), "\n")
		require.Len(t, lines, len(c.told), name)
		for i, key := range c.told {
			assert.Contains(t, lines[i], "onetoken.yaml: "+key, name)
			assert.Contains(t, lines[i], "needs a restart", name)
		}
	}
}

// A file that is written in place, and is halfway there for a moment, does not count.
func TestReloadWaitsUntilFilesRest(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		for range 20 {
			w.write("onetoken.yaml", plainConfig[:100])
			time.Sleep(150 * time.Millisecond)
			w.write("onetoken.yaml", plainConfig)
			time.Sleep(1950 * time.Millisecond)
		}
		assert.NotContains(t, w.log.String(), "refused")
	})
}

// Neither does it where somebody hurries, as an issuer's refusals do.
func TestHurryDoesNotCutSettlingShort(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		for range 20 {
			w.write("onetoken.yaml", plainConfig[:100])
			w.hurry()
			time.Sleep(100 * time.Millisecond)
			w.hurry()
			time.Sleep(100 * time.Millisecond)
			w.write("onetoken.yaml", plainConfig)
			time.Sleep(3 * time.Second)
		}
		assert.NotContains(t, w.log.String(), "refused")
	})
}

// A way of sending id and secret is taken, though it makes no other credential.
func TestReloadOfAuth(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		oauth2 := strings.Replace(plainConfig, `kind: feishu, app_id: cli_a, app_secret_file: crm, base_url: "http://127.0.0.1:1"`,
			`kind: oauth2, token_url: "http://127.0.0.1:1/t", client_id: x, client_secret_file: crm`, 1)
		w.write("onetoken.yaml", oauth2)
		time.Sleep(3 * time.Second)
		before := w.revision()
		w.write("onetoken.yaml", strings.Replace(oauth2, "client_id: x", "client_id: x, auth: body", 1))
		time.Sleep(3 * time.Second)
		assert.NotEqual(t, before, w.revision())
	})
}

// A client whose secret has changed is found by the old one for as long as that stands in the file.
func TestReloadOfClients(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		knows := func(secret string) bool {
			_, ok := w.clients.Load().BySecret(secret)
			return ok
		}
		w.write("billing", "secret-of-billing-2")
		w.write("billing-old", "secret-of-billing-1")
		w.write("onetoken.yaml", strings.Replace(plainConfig, "secret_file: billing,", "secret_file: billing, previous_secret_file: billing-old,", 1))
		time.Sleep(3 * time.Second)
		assert.True(t, knows("secret-of-billing-1"))
		assert.True(t, knows("secret-of-billing-2"))
		w.write("onetoken.yaml", plainConfig)
		time.Sleep(3 * time.Second)
		assert.False(t, knows("secret-of-billing-1"))
	})
}

// A mount that hangs costs a thread at each reading: soon one an hour.
func TestPatienceWithAMountThatHangs(t *testing.T) {
	assert.Equal(t, reloadEvery, patienceAfter(time.Second, time.Hour), "it answers again")
	wait, readings := reloadEvery, 0
	for passed := time.Duration(0); passed < 24*time.Hour; passed += readingTakes + wait {
		wait = patienceAfter(readingTakes, wait)
		readings++
	}
	assert.Equal(t, time.Hour, wait)
	assert.Less(t, readings, 32)
}

func TestReadingIs(t *testing.T) {
	a, b := reading{config: &config.Config{Digest: "a"}}, reading{config: &config.Config{Digest: "b"}}
	failed := reading{err: fs.ErrNotExist}
	assert.True(t, a.is(a))
	assert.False(t, a.is(b))
	assert.False(t, a.is(failed))
	assert.True(t, failed.is(failed))
	assert.False(t, failed.is(reading{err: errors.New("another")}))
}
