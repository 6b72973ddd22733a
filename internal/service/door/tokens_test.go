package door_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/internal/service/clients"
	"github.com/onetoken-go/onetoken/internal/service/door"
	"github.com/onetoken-go/onetoken/tokencache"
)

func TestToken(t *testing.T) {
	s := open(t, usualVault())
	w := s.get("/v1/tokens/crm", bearer(billingSecret))
	assert.Equal(t, http.StatusOK, w.Code)
	assert.Equal(t, fmt.Sprintf(
		`{"access_token":"t-TOKEN-tenant","token_type":"Bearer","expires_in":5990,"refresh_in":4206,"fingerprint":"%s","kind":"tenant"}`,
		usualHandout.Token.Fingerprint()), w.Body.String())
	assert.Equal(t, door.Use{Client: "billing", Way: clients.Secret, Credential: "crm", Action: door.Get, Status: 200}, s.lastUse(t))
}

func TestKinds(t *testing.T) {
	s := open(t, usualVault())
	for query, token := range map[string]string{
		"crm": tenantToken, "crm?kind=tenant": tenantToken, "crm?kind=app": appToken, "m2m": accessToken,
		"crm?": tenantToken, "crm?other=x": tenantToken, "m2m?_=1": accessToken, "crm?access_token=x&kind=app": appToken,
	} {
		got := fields(t, s.get("/v1/tokens/"+query, bearer(reportsSecret)))
		assert.Equal(t, token, got["access_token"], query)
	}
	for _, query := range []string{
		"crm?kind=", "crm?kind=access", "crm?kind=App", "crm?kind=app&kind=app", "crm?kind=%zz", "crm?kind=app;x",
		"m2m?kind=access", "m2m?kind=tenant", "m2m?kind=",
	} {
		refused(t, s.get("/v1/tokens/"+query, bearer(reportsSecret)), http.StatusBadRequest, "invalid_request")
	}
}

func TestKindThatTheIssuerDoesNotGive(t *testing.T) {
	h := usualHandout
	h.Token = tokencache.NewToken(appToken, "", time.Hour)
	s := open(t, vault{"crm": withToken(h, door.Tenant, door.App)})
	refused(t, s.get("/v1/tokens/crm", bearer(billingSecret)), http.StatusBadGateway, "server_error")
	assert.Error(t, s.lastUse(t).Cause)
	assert.Equal(t, http.StatusOK, s.get("/v1/tokens/crm?kind=app", bearer(billingSecret)).Code)
}

func TestTokenThatNeedsEscaping(t *testing.T) {
	odd := "t-\"\\<&>\n\u2028é\x01"
	h := usualHandout
	h.Token = tokencache.NewToken(odd, odd, time.Hour)
	got := fields(t, open(t, vault{"crm": withToken(h, door.Tenant, door.App)}).get("/v1/tokens/crm", bearer(billingSecret)))
	assert.Equal(t, odd, got["access_token"])
}

// Who waits for the first token has it as soon as it is there, and gives up after Patience.
func TestFirstTokenIsWaitedFor(t *testing.T) {
	slow := func(takes time.Duration) *credential {
		c := withoutToken(nil)
		c.get = func(ctx context.Context) (door.Handout, error) {
			select {
			case <-time.After(takes):
				return usualHandout, nil
			case <-ctx.Done():
				return door.Handout{}, ctx.Err()
			}
		}
		return c
	}
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		w := open(t, vault{"crm": slow(9 * time.Second)}).get("/v1/tokens/crm", bearer(billingSecret))
		assert.Equal(t, http.StatusOK, w.Code)
		assert.Equal(t, 9*time.Second, time.Since(begin))

		begin = time.Now()
		w = open(t, vault{"crm": slow(11 * time.Second)}).get("/v1/tokens/crm", bearer(billingSecret))
		refused(t, w, http.StatusServiceUnavailable, "temporarily_unavailable")
		assert.Equal(t, door.Patience, time.Since(begin))
		assert.Contains(t, []string{"1", "2", "3", "4", "5"}, w.Header().Get("Retry-After"))

		begin = time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		s := open(t, vault{"crm": slow(time.Hour)})
		s.get("/v1/tokens/crm", bearer(billingSecret), within(ctx))
		assert.Equal(t, time.Second, time.Since(begin), "its client has gone")
		assert.ErrorIs(t, s.lastUse(t).Cause, context.DeadlineExceeded)
	})
}
