package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

// Whatever trouble lasts, each line says whose it is, what goes wrong, what serves and what to do,
// and none comes more than once a minute.
func TestTroubleThatLastsIsToldOnceAMinute(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault feishutest.Fault
		says  string
	}{
		"refuses":      {feishutest.WrongSecret(), "check FEISHU_APP_ID and FEISHU_APP_SECRET_FILE"},
		"silent":       {feishutest.Timeout(), "no answer before the call was ended: check FEISHU_BASE_URL, the proxy and the firewall"},
		"cuts":         {feishutest.Reset(), "feishu: "},
		"bad gateway":  {feishutest.Status(502), "HTTP 502"},
		"HTML":         {feishutest.HTML(), "check FEISHU_BASE_URL"},
		"rate limited": {feishutest.RateLimited("Retry-After", "2"), "feishu"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			follow(t, "secret", func(t *testing.T, f follower) {
				f.issuer.SetFault(c.fault)
				f.write("a-secret-to-come")
				time.Sleep(10 * time.Minute)
				at := time.Time{}
				for line := range strings.Lines(f.log.String()) {
					if !strings.Contains(line, `msg="no token from the issuer"`) {
						continue
					}
					assert.Contains(t, line, c.says)
					assert.Regexp(t, ` id=feishu:cli_test:[0-9a-f]{32} app=cli_test err=".*" .*meanwhile="the secret that the file held before serves" token_remaining_seconds=\d+`, line)
					told, err := time.Parse(time.RFC3339, strings.TrimPrefix(strings.Fields(line)[0], "time="))
					require.NoError(t, err)
					assert.GreaterOrEqual(t, told.Sub(at), time.Minute, line)
					at = told
				}
				assert.False(t, at.IsZero(), "it is told")
				if name == "refuses" { // its pause is learned with each call, told or not
					_, body := f.get("/readyz")
					assert.Contains(t, body, "the issuer is asked again in ")
				}
			})
		})
	}
}
