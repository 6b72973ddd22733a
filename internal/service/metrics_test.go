package service

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/config"
	"github.com/onetoken-go/onetoken/internal/service/door"
	"github.com/onetoken-go/onetoken/internal/service/gateway"
	"github.com/onetoken-go/onetoken/tokencache"
)

func (w *town) metricsText() string {
	w.t.Helper()
	status, text := w.get("/metrics")
	require.Equal(w.t, http.StatusOK, status)
	return text
}

// What a credential is judged by is there before anything has happened, and gone with the credential.
func TestCountsOfACredentialBeginAtZero(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		series := []string{
			`onetoken_credential_calls_total{credential="crm",direct="false",outcome="ok"} 0`,
			`onetoken_credential_calls_total{credential="crm",direct="true",outcome="ok"} 0`,
			`onetoken_credential_tokens_total{credential="crm"} 0`,
			`onetoken_redis_up 1`,
		}
		text := w.metricsText()
		for _, s := range series {
			assert.Contains(t, text, s+"\n")
		}
		w.counts.observe(tokencache.Event{Kind: tokencache.EventDirectCall, Outcome: tokencache.OutcomeOK}, []string{"crm"})
		w.counts.observe(tokencache.Event{Kind: tokencache.EventCall, Outcome: "transient"}, []string{"crm"})
		text = w.metricsText()
		assert.Contains(t, text, `onetoken_credential_calls_total{credential="crm",direct="true",outcome="ok"} 1`)
		assert.Contains(t, text, `onetoken_credential_calls_total{credential="crm",direct="false",outcome="transient"} 1`)

		w.write("onetoken.yaml", "credentials: []\nstatus: {listen: \"127.0.0.1:8080\"}\ntokens: {listen: \"127.0.0.1:8081\", clients: []}\n")
		time.Sleep(3 * time.Second)
		assert.NotContains(t, w.metricsText(), `credential="crm"`)
		w.counts.observe(tokencache.Event{Kind: tokencache.EventAdopt}, []string{"crm"}) // these outlive the reload
		w.counts.asked(use{"billing", config.DoorTokens, "crm"}, http.StatusOK, "")
		w.counts.asked(use{"billing", config.DoorTokens, "crm"}, http.StatusForbidden, "access_denied")
		text = w.metricsText()
		assert.NotContains(t, text, `credential="crm"`)
		assert.Contains(t, text, `onetoken_door_requests_total{code="200",credential="",door="tokens"} 1`, "a request is counted all the same")
		assert.Contains(t, text, `onetoken_door_refusals_total{credential="",door="tokens",reason="access_denied"} 1`)
	})
}

// A token that was got around Redis is no failure of the credential.
func TestFailingIsNoTroubleOfRedis(t *testing.T) {
	t.Parallel()
	redis, busy := redisTrouble(tokencache.TroubleTimeout), error(&tokencache.IssuerError{Issuer: "feishu", Message: "no answer"})
	for name, c := range map[string]struct {
		why        error
		has, fails bool
	}{
		"nothing":                         {nil, true, false},
		"nothing yet":                     {nil, false, false},
		"redis, and a token":              {redis, true, false},
		"redis, and no token":             {redis, false, true},
		"the issuer, and a token":         {busy, true, true},
		"the issuer, around redis":        {fmt.Errorf("%w (asked directly, because of %w)", busy, redis), true, true},
		"something else, and a token":     {errors.New("odd"), true, true},
		"something else, and none of one": {errors.New("odd"), false, true},
	} {
		assert.Equal(t, c.fails, fails(c.why, c.has), name)
	}
}

// A refusal is told from what an API or an absence of tokens has answered, whatever status these have.
func TestRefusalsAtADoorAreCounted(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		for _, u := range []door.Use{
			{Client: "billing", Credential: "crm", Status: 200},
			{Status: 401, Error: "invalid_client"},
			{Client: "billing", Credential: "crm", Status: 503, Error: "temporarily_unavailable", Cause: redisTrouble(tokencache.TroubleTimeout)},
		} {
			w.audit(config.DoorTokens, u)
		}
		for _, u := range []gateway.Use{
			{Client: "bot", Credential: "crm", Status: 400}, // the API's own answer
			{Status: 200, Refused: "wrong secret or app"},
			{Client: "bot", Credential: "crm", Status: 502, Refused: "no answer", Cause: redisTrouble(tokencache.TroubleTimeout)},
			{Client: "bot", Status: gateway.StatusGone},
		} {
			w.auditCall(u)
		}
		text := w.metricsText()
		assert.Equal(t, 2, strings.Count(text, "\nonetoken_door_refusals_total{"), text)
		assert.Contains(t, text, `onetoken_door_refusals_total{credential="",door="tokens",reason="invalid_client"} 1`)
		assert.Contains(t, text, `onetoken_door_refusals_total{credential="",door="gateway",reason="wrong secret or app"} 1`)
		assert.Equal(t, 7, strings.Count(text, "\nonetoken_door_requests_total{"))
	})
}
