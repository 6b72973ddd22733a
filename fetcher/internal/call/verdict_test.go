package call_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/fetcher/internal/call"
	"github.com/onetoken-go/onetoken/tokencache"
)

// A 401 without a code is about the client only of issuers that say so by it.
func TestUnauthorized(t *testing.T) {
	plain := call.Caller{Setting: "base URL"}
	assert.Contains(t, plain.OfStatus(401).Advice, "seldom is the issuer's own: check the base URL")
	assert.Equal(t, plain.OfStatus(403), plain.OfStatus(401))

	telling := call.Caller{Setting: "base URL", Unauthorized: "check the id"}
	assert.Equal(t, call.Verdict{Class: tokencache.ClassUnknown, Advice: "check the id"}, telling.OfStatus(401))
	assert.Equal(t, plain.OfStatus(403), telling.OfStatus(403))
}

// 429 outranks verdicts by which the issuer would be asked sooner, and no others; only then, and at 503,
// is the wait heeded.
func TestRefuse(t *testing.T) {
	c := call.Caller{Issuer: "test", Waits: []string{"Retry-After"}, LogIDs: []string{"X-Id"}}
	for _, row := range []struct {
		status int
		class  tokencache.Class
		want   tokencache.Class
		wait   time.Duration
	}{
		{429, tokencache.ClassTransient, tokencache.ClassRateLimited, 7 * time.Second},
		{429, tokencache.ClassUnknown, tokencache.ClassRateLimited, 7 * time.Second},
		{429, tokencache.ClassQuota, tokencache.ClassQuota, 7 * time.Second},
		{429, tokencache.ClassPermanent, tokencache.ClassPermanent, 0},
		{200, tokencache.ClassRateLimited, tokencache.ClassRateLimited, 7 * time.Second},
		{503, tokencache.ClassTransient, tokencache.ClassTransient, 7 * time.Second},
		{500, tokencache.ClassTransient, tokencache.ClassTransient, 0},
	} {
		e := c.Refuse(call.Answer{Status: row.status, Header: http.Header{"Retry-After": {"7"}, "X-Id": {"r-1"}}}, call.Verdict{Class: row.class}, "said", nil)
		assert.Equal(t, row.want, e.Class, "%v", row)
		assert.Equal(t, row.wait, e.RetryAfter, "%v", row)
		assert.Equal(t, []any{"test", row.status, "said", "r-1"}, []any{e.Issuer, e.Status, e.Message, e.LogID})
	}
}
