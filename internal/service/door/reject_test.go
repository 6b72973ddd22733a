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

func TestReject(t *testing.T) {
	s := open(t, usualVault())
	for body, outcome := range map[string]door.Outcome{
		`{"access_token":"` + tenantToken + `"}`:                                  door.Invalidated,
		`{"access_token":"` + appToken + `"}`:                                     door.Invalidated,
		`{"fingerprint":"` + usualHandout.Token.Fingerprint() + `"}`:              door.Invalidated,
		`{"fingerprint":null,"access_token":"` + appToken + `","reason":"later"}`: door.Invalidated,
		`{"access_token":"of nobody's"}`:                                          door.Replaced,
		`{"fingerprint":"0123456789abcdef0123456789abcdef"}`:                      door.Replaced,
	} {
		w := s.post("/v1/tokens/crm/reject", body, bearer(billingSecret))
		assert.Equal(t, http.StatusOK, w.Code, body)
		assert.Equal(t, fmt.Sprintf(`{"outcome":"%s"}`, outcome), w.Body.String(), body)
		assert.Equal(t, door.Use{Client: "billing", Way: clients.Secret, Credential: "crm", Action: door.Reject, Status: 200, Outcome: outcome}, s.lastUse(t))
	}
}

func TestRejectionThatIsNone(t *testing.T) {
	c := withToken(usualHandout, door.Tenant, door.App)
	c.reject = func(context.Context, door.Refused) (door.Outcome, error) {
		t.Error("nothing was named")
		return "", nil
	}
	s := open(t, vault{"crm": c})
	for _, body := range []string{
		`{}`, `{"access_token":""}`, `{"access_token":7}`, `{"fingerprint":"x"}`, `{"fingerprint":""}`, `{`, `{"access_token":"SECRET"`,
		`{"fingerprint":"0123456789ABCDEF0123456789ABCDEF"}`, `{"access_token":null}`,
		`{"access_token":"a-TOKEN-app","fingerprint":"0123456789abcdef0123456789abcdef"}`, `{"access_token":"a-TOKEN-app"} {}`,
	} {
		refused(t, s.post("/v1/tokens/crm/reject", body, bearer(billingSecret)), http.StatusBadRequest, "invalid_request")
	}
	asJSON := header("Content-Type", "application/json")
	for _, body := range []string{`[]`, `null`, `"a-TOKEN-app"`, ` `, `access_token=a-TOKEN-app`} {
		refused(t, s.post("/v1/tokens/crm/reject", body, bearer(billingSecret), asJSON), http.StatusBadRequest, "invalid_request")
	}
	refused(t, s.post("/v1/tokens/crm/reject", "access_token=a-TOKEN-app", bearer(billingSecret)), http.StatusUnsupportedMediaType, "invalid_request")
}

func TestRejectNeedsItsRight(t *testing.T) {
	s := open(t, usualVault())
	body := `{"access_token":"` + accessToken + `"}`
	refused(t, s.post("/v1/tokens/m2m/reject", body, bearer(readerSecret)), http.StatusForbidden, "access_denied")
	assert.Equal(t, http.StatusOK, s.get("/v1/tokens/m2m", bearer(readerSecret)).Code, "it may get it")

	only := everybody()
	only[0].May = clients.Reject
	s = open(t, usualVault(), only...)
	refused(t, s.get("/v1/tokens/crm", bearer(billingSecret)), http.StatusForbidden, "access_denied")
	refused(t, s.post(endpoint, grantOnly, basic("billing", billingSecret)), http.StatusForbidden, "access_denied")
	assert.Equal(t, http.StatusOK, s.post("/v1/tokens/crm/reject", body, bearer(billingSecret)).Code)
}

func TestRejectionIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := withToken(usualHandout, door.Tenant)
		c.reject = func(ctx context.Context, _ door.Refused) (door.Outcome, error) {
			<-ctx.Done()
			return "", fmt.Errorf("%w: %w", tokencache.ErrRedis, ctx.Err())
		}
		s := open(t, vault{"crm": c})
		begin := time.Now()
		w := s.post("/v1/tokens/crm/reject", `{"access_token":"x"}`, bearer(billingSecret))
		refused(t, w, http.StatusServiceUnavailable, "temporarily_unavailable")
		assert.Contains(t, w.Body.String(), "Redis")
		assert.Equal(t, door.Patience, time.Since(begin))
		assert.ErrorIs(t, s.lastUse(t).Cause, tokencache.ErrRedis)
	})
}
