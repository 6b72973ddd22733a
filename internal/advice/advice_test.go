package advice

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/tokencache"
)

func TestFull(t *testing.T) {
	t.Parallel()
	refusal := &tokencache.IssuerError{
		Issuer: "feishu", Code: 10014, Message: "app secret invalid", LogID: "L1",
		Class: tokencache.ClassPermanent, Advice: "check the app secret",
	}
	limited := &tokencache.IssuerError{Issuer: "feishu", Code: 99991400, Message: "too many", Class: tokencache.ClassRateLimited, RetryAfter: 90 * time.Second}
	busy := &tokencache.IssuerError{Issuer: "feishu", Code: 5000, Message: "internal error"}
	astray := &tokencache.IssuerError{Issuer: "feishu", Message: "no answer to the base URL", Advice: "check the base URL, and app id"}
	redis := &tokencache.RedisError{Trouble: "timeout"}
	for name, c := range map[string]struct {
		err  error
		says string
	}{
		"no answer and redis":  {fmt.Errorf("%w (asked directly, because of %w)", astray, redis), "feishu: no answer to the base URL: check FEISHU_BASE_URL, and FEISHU_APP_ID (asked directly, because of redis timeout: check the load of redis and the network in between (REDIS_URL))"},
		"remembered":           {&Remembered{Err: refusal}, "feishu refused: app secret invalid (code 10014, log id L1): check FEISHU_APP_SECRET; remembered from an earlier call, the issuer is asked again in up to 5 min, with another id or secret at once; once that is mended, onetoken refresh asks at once"},
		"remembered, passes":   {&Remembered{busy, 2500 * time.Millisecond}, "feishu refused: internal error (code 5000): try again in a moment; remembered from an earlier call, the issuer is asked again in 3s"},
		"limited":              {limited, "feishu refused: too many (code 99991400, retry after 1m30s): try again in 1m31s"},
		"limited, remembered":  {&Remembered{limited, time.Minute}, "feishu refused: too many (code 99991400, retry after 1m30s): try again in 1m31s; remembered from an earlier call, the issuer is asked again in 1m1s"},
		"busy":                 {busy, "feishu refused: internal error (code 5000): try again in a moment"},
		"redis over TLS":       {&tlsError{redis}, "rediss:// needs a port that speaks TLS, check that of REDIS_URL: redis timeout: check the load of redis and the network in between (REDIS_URL)"},
		"redis, a port of TLS": {&plainError{redis}, "if the port speaks TLS, begin REDIS_URL with rediss://: redis timeout: check the load of redis and the network in between (REDIS_URL)"},
		"a secret's file":      {&filedError{refusal, Files{"FEISHU_APP_SECRET": "f"}}, "feishu refused: app secret invalid (code 10014, log id L1): check FEISHU_APP_SECRET_FILE; once that is mended, onetoken refresh asks at once"},
		"another's file":       {&filedError{refusal, Files{"REDIS_URL": "f"}}, "feishu refused: app secret invalid (code 10014, log id L1): check FEISHU_APP_SECRET; once that is mended, onetoken refresh asks at once"},
		"a URL's file":         {&tlsError{&filedError{redis, Files{"REDIS_URL": "f"}}}, "rediss:// needs a port that speaks TLS, check that of REDIS_URL_FILE: redis timeout: check the load of redis and the network in between (REDIS_URL_FILE)"},
		"too late":             {fmt.Errorf("no token: %w", context.DeadlineExceeded), "no token: context deadline exceeded: try again, raise --timeout, or look with --log-level debug"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, c.says, Full(c.err))
		})
	}
}

// The variable that a trouble with Redis can be mended by.
func TestTroubleNamesItsVariable(t *testing.T) {
	t.Parallel()
	for name, want := range map[tokencache.Trouble]string{"WRONGTYPE": " (ONETOKEN_PREFIX)", "OOM": "", "NOPERM": "", "READONLY": " (REDIS_URL)", "unreachable": " (REDIS_URL)"} {
		assert.Equal(t, want, variableFor(&tokencache.RedisError{Trouble: name}), name)
	}
}
