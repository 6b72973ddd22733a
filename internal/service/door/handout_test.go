package door_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/internal/service/door"
)

func TestTimes(t *testing.T) {
	for name, c := range map[string]struct {
		remaining, margin, refreshIn time.Duration
		expires, refresh             float64
	}{
		"Feishu's":                              {2 * time.Hour, 10 * time.Second, 90*time.Minute + 45*time.Second, 7190, 5450},
		"rounded down, and up":                  {time.Hour + 999*time.Millisecond, 0, 30*time.Minute + time.Millisecond, 3600, 1806},
		"a life of a minute":                    {60 * time.Second, 1200 * time.Millisecond, 48 * time.Second, 58, 51},
		"in its window":                         {20 * time.Minute, 10 * time.Second, 0, 1190, 5},
		"long in its window":                    {20 * time.Minute, 10 * time.Second, -10 * time.Minute, 1190, 5},
		"at its end: nothing is asked in vain":  {14 * time.Second, 10 * time.Second, 0, 4, 1},
		"one second":                            {11 * time.Second, 10 * time.Second, 0, 1, 1},
		"refreshed when it is over":             {time.Minute, time.Second, 2 * time.Minute, 59, 59},
		"refreshed with a second to spare":      {time.Minute, 0, 59 * time.Second, 60, 60},
		"one second, refreshed after it":        {1500 * time.Millisecond, 0, time.Hour, 1, 1},
		"so long that nobody refreshes for now": {3650 * 24 * time.Hour, 0, 3649 * 24 * time.Hour, 3650 * 86400, 3649*86400 + 5},
	} {
		h := door.Handout{Token: usualHandout.Token, Remaining: c.remaining, Margin: c.margin, RefreshIn: c.refreshIn}
		got := fields(t, open(t, vault{"crm": withToken(h, door.Tenant, door.App)}).get("/v1/tokens/crm", bearer(billingSecret)))
		assert.Equal(t, c.expires, got["expires_in"], name)
		assert.Equal(t, c.refresh, got["refresh_in"], name)
	}
}

// Some clients take an expires_in of 0 for a token that never ends.
func TestLastSecondIsNoToken(t *testing.T) {
	for _, remaining := range []time.Duration{11*time.Second - 1, 10 * time.Second, time.Second, 0, -time.Hour} {
		h := door.Handout{Token: usualHandout.Token, Remaining: remaining, Margin: 10 * time.Second}
		s := open(t, vault{"crm": withToken(h, door.Tenant, door.App)})
		w := s.get("/v1/tokens/crm", bearer(billingSecret))
		refused(t, w, http.StatusServiceUnavailable, "temporarily_unavailable")
		assert.Equal(t, "1", w.Header().Get("Retry-After"))
		refused(t, s.post("/oauth2/token", "grant_type=client_credentials", basic("billing", billingSecret)),
			http.StatusServiceUnavailable, "temporarily_unavailable")
	}
}
