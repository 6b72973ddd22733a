package service

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/vault"
	"github.com/onetoken-go/onetoken/tokencache"
)

// The names of all fields, which do not change.
func TestReportHasTheseFields(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		w.write("onetoken.yaml", strings.Replace(plainConfig, "status:", "  - {name: off, kind: feishu, app_id: cli_b, app_secret_file: crm, disabled: true}\nstatus:", 1))
		time.Sleep(3 * time.Second)
		w.uses.granted(use{"billing", "tokens", "crm"}, time.Now())
		w.timeline.add(incidentFailure, "crm", "no answer")
		status, body := w.get("/api/status")
		require.Equal(t, http.StatusOK, status)
		var report map[string]any
		require.NoError(t, json.Unmarshal([]byte(body), &report))
		assert.ElementsMatch(t, strings.Fields("version now started stands_still replica config redis doors credentials events"), keysOf(report))
		assert.ElementsMatch(t, strings.Fields("ok error loaded_at"), keysOf(report["config"]))
		assert.ElementsMatch(t, strings.Fields("state since trouble advice"), keysOf(report["redis"]))
		all := report["credentials"].([]any)
		require.Len(t, all, 2)
		for _, one := range all {
			assert.ElementsMatch(t, strings.Fields("app_id id issuer_url state remaining_seconds life_seconds fetched_by fetched_at locked_seconds "+
				"locked_for_ever failure garbled name kind base_url disabled answered next_refresh_seconds window_seconds failing failing_since newer clients same_as redis_answered usable margin_seconds calls calls_failed trouble"), keysOf(one))
		}
		crm := all[0].(map[string]any)
		assert.Equal(t, []any{map[string]any{"name": "billing", "door": "tokens", "last_seen": time.Now().UTC().Format(time.RFC3339Nano)}}, crm["clients"])
		assert.Equal(t, "crm", crm["name"])
		assert.Equal(t, "cli_a", crm["app_id"])
		assert.Equal(t, "http://127.0.0.1:1", crm["base_url"])
		assert.Equal(t, true, all[1].(map[string]any)["disabled"])
		host, err := os.Hostname()
		require.NoError(t, err)
		assert.Equal(t, fmt.Sprintf("%s (pid %d)", host, os.Getpid()), report["replica"], "there may be two on a host")
		assert.ElementsMatch(t, strings.Fields("at type credential text"), keysOf(report["events"].([]any)[0]))
		for _, secret := range []string{"secret-of-crm", "secret-of-billing"} {
			assert.NotContains(t, body, secret)
		}
	})
}

func keysOf(object any) (keys []string) {
	for key := range object.(map[string]any) {
		keys = append(keys, key)
	}
	return keys
}

// A token that was got around Redis, which has lost its own since, is that of the report.
func TestReportWhileRedisHasNothing(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		of, err := tokencache.NewCredential(tokencache.CredentialConfig{
			Issuer: "test", App: "a", Public: []string{"https://issuer.example"}, Secret: []tokencache.Secret{tokencache.NewSecret("s")}, Window: 30 * time.Minute,
		})
		require.NoError(t, err)
		w.vault.Apply([]vault.Credential{{Name: "crm", Revision: "1", Purpose: "1", Fetcher: tokencache.FetchFunc(of, func(context.Context) (tokencache.Token, error) {
			return tokencache.NewToken("t", "", 2*time.Hour), nil
		})}})
		e, _ := w.vault.Find("crm")
		_, err = e.Get(t.Context())
		require.NoError(t, err)
		time.Sleep(time.Minute)
		w.bubble.Server().FlushAll()
		c := w.Report(t.Context()).Credentials[0]
		assert.True(t, c.Usable)
		assert.True(t, c.Known)
		assert.Equal(t, "fresh", c.State)
		assert.InDelta(t, 119*60, float64(c.Remaining), 1)
		assert.InDelta(t, 120*60, float64(c.Life), 1)
	})
}

// The page shows what the report says.
func TestPageAndReportAgree(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		w.timeline.add(incidentReload, "", "<script>alert(1)</script>")
		status, page := w.get("/")
		assert.Equal(t, http.StatusOK, status)
		assert.Contains(t, page, `<h3>crm</h3>`)
		assert.Contains(t, page, "cli_a")
		assert.NotContains(t, page, "<script>", "what is shown is escaped")
		status, _ = w.get("/nothing")
		assert.Equal(t, http.StatusNotFound, status)
	})
}

func TestReadyOnceEveryCredentialWasAnswered(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		status, body := w.get("/readyz")
		assert.Equal(t, http.StatusServiceUnavailable, status)
		assert.Contains(t, body, "not ready: no answer yet for\ncrm: no token yet\n")
		status, _ = w.get("/readyz?credential=nobody")
		assert.Equal(t, http.StatusNotFound, status)
		status, _ = w.get("/readyz?credential=crm")
		assert.Equal(t, http.StatusServiceUnavailable, status)

		w.ready.was.Store(true) // as it was, once
		status, body = w.get("/readyz")
		assert.Equal(t, http.StatusOK, status, "whatever comes later: there is nowhere else to go")
		assert.Contains(t, body, "warning: crm has no token: no token yet\n")
	})
}

func TestMetricsNameCredentials(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		_, text := w.get("/metrics")
		for _, line := range []string{
			`onetoken_build_info{`, "\nonetoken_config_last_reload_successful 1\n", "\nonetoken_config_last_reload_success_timestamp_seconds 9.",
			`onetoken_credential_info{credential="crm",id="feishu:cli_a:`, `onetoken_credential_remaining_seconds{credential="crm"} 0`,
			`onetoken_credential_failing{credential="crm"} 0`, `onetoken_credential_newer_since_timestamp_seconds{credential="crm"} 0`, "\nonetoken_degraded 0\n",
		} {
			assert.Contains(t, text, line)
		}
		w.write("onetoken.yaml", "credentials: []\nstatus: {listen: \"127.0.0.1:8080\"}\ntokens: {listen: \"127.0.0.1:8081\", clients: []}\n")
		time.Sleep(3 * time.Second)
		_, text = w.get("/metrics")
		assert.NotContains(t, text, "crm", "a credential that is gone has no series")
		w.write("onetoken.yaml", "credentials: [")
		time.Sleep(3 * time.Second)
		_, text = w.get("/metrics")
		assert.Contains(t, text, "\nonetoken_config_last_reload_successful 0\n")
	})
}
