package door_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/tokencache"
)

// issuerError is one of that class.
func issuerError(class tokencache.Class, retryAfter time.Duration) *tokencache.IssuerError {
	return &tokencache.IssuerError{
		Issuer: "feishu", Code: 10014, Status: 200, Message: `app "secret" invalid`, LogID: "20240101", Class: class, RetryAfter: retryAfter,
	}
}

func TestNoToken(t *testing.T) {
	var none *tokencache.IssuerError
	soon := []string{"1", "2", "3", "4", "5"}
	for name, c := range map[string]struct {
		err    error
		status int
		retry  []string
		words  string
	}{
		"transient":                   {issuerError(tokencache.ClassTransient, 0), 503, soon, "the issuer gave none"},
		"unknown":                     {issuerError(tokencache.ClassUnknown, 0), 503, soon, "the issuer gave none"},
		"rate limited":                {issuerError(tokencache.ClassRateLimited, 1500*time.Millisecond), 503, []string{"2"}, "the issuer gave none"},
		"rate limited, for days":      {issuerError(tokencache.ClassRateLimited, 72*time.Hour), 503, []string{"3600"}, "the issuer gave none"},
		"permanent":                   {issuerError(tokencache.ClassPermanent, 0), 502, []string{""}, "a person has to act"},
		"permanent, held":             {issuerError(tokencache.ClassPermanent, 61*time.Second), 502, []string{"61"}, "a person has to act"},
		"quota":                       {issuerError(tokencache.ClassQuota, 5*time.Minute), 502, []string{"300"}, "a person has to act"},
		"permanent, wrapped":          {fmt.Errorf("%w (before that: %w)", context.DeadlineExceeded, issuerError(tokencache.ClassPermanent, 0)), 502, []string{""}, "a person"},
		"Redis":                       {&tokencache.RedisError{Trouble: tokencache.TroubleTimeout}, 503, soon, "does not reach its Redis"},
		"closed":                      {tokencache.ErrClosed, 503, soon, "stopping"},
		"no time":                     {context.DeadlineExceeded, 503, soon, "the first one is still to come"},
		"an error of nobody's":        {errors.New("TOKEN and SECRET"), 503, soon, "the first one"},
		"a nil pointer, not an error": {none, 503, soon, ""},
	} {
		s := open(t, vault{"crm": withoutToken(c.err)})
		for _, r := range []*http.Request{
			request("/v1/tokens/crm", "", bearer(billingSecret)),
			request("/oauth2/token", grantOnly, basic("billing", billingSecret)),
			request("/v1/tokens/crm/reject", `{"access_token":"x"}`, bearer(billingSecret)),
		} {
			w := s.answer(r)
			code := map[int]string{503: "temporarily_unavailable", 502: "server_error"}[c.status]
			refused(t, w, c.status, code)
			assert.Contains(t, c.retry, w.Header().Get("Retry-After"), name)
			assert.Contains(t, fields(t, w)["error_description"], c.words, name)
			assert.Equal(t, c.err, s.lastUse(t).Cause, name)
		}
	}
}

// What the issuer said is in fields of its own, as a description may not hold it (RFC 6749, section 5.2).
func TestIssuersWords(t *testing.T) {
	w := open(t, vault{"crm": withoutToken(issuerError(tokencache.ClassPermanent, 0))}).get("/v1/tokens/crm", bearer(billingSecret))
	got := fields(t, w)
	delete(got, "error_description")
	assert.Equal(t, map[string]any{
		"error": "server_error", "issuer": "feishu", "issuer_code": 10014., "issuer_message": `app "secret" invalid`, "issuer_log_id": "20240101",
	}, got)

	w = open(t, vault{"crm": withoutToken(tokencache.ErrClosed)}).get("/v1/tokens/crm", bearer(billingSecret))
	assert.Len(t, fields(t, w), 2)
}
