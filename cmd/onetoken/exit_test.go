package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/tokencache"
)

func TestReport(t *testing.T) {
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
		code int
		says string
	}{
		"nothing":              {nil, exitOK, ""},
		"any":                  {errors.New("x"), exitFailed, "onetoken: x\n"},
		"usage":                {usage(errors.New("x")), exitUsage, "onetoken: x\n"},
		"usage of nothing":     {usage(nil), exitOK, ""},
		"usage, two":           {usage(errors.Join(errors.New("x"), errors.New("y"))), exitUsage, "onetoken: x\nonetoken: y\n"},
		"usage, two parts":     {errors.Join(usage(errors.New("x")), usage(errors.New("y"))), exitUsage, "onetoken: x\nonetoken: y\n"},
		"usage, wrapped":       {usage(fmt.Errorf("all: %w", errors.Join(errors.New("x"), errors.New("y")))), exitUsage, "onetoken: x\nonetoken: y\n"},
		"refusal":              {refusal, exitRefused, "onetoken: feishu refused: app secret invalid (code 10014, log id L1): check FEISHU_APP_SECRET; once that is mended, onetoken refresh asks at once\n"},
		"refusal and redis":    {fmt.Errorf("%w (because of %w)", refusal, redis), exitRefused, "onetoken: feishu refused: app secret invalid (code 10014, log id L1): check FEISHU_APP_SECRET (because of redis timeout: check the load of redis and the network in between (REDIS_URL)); once that is mended, onetoken refresh asks at once\n"},
		"no answer and redis":  {fmt.Errorf("%w (asked directly, because of %w)", astray, redis), exitFailed, "onetoken: feishu: no answer to the base URL: check FEISHU_BASE_URL, and FEISHU_APP_ID (asked directly, because of redis timeout: check the load of redis and the network in between (REDIS_URL))\n"},
		"remembered":           {&rememberedError{refusal, 0}, exitRefused, "onetoken: feishu refused: app secret invalid (code 10014, log id L1): check FEISHU_APP_SECRET; remembered from an earlier call, the issuer is asked again in up to 5 min, with another id or secret at once; once that is mended, onetoken refresh asks at once\n"},
		"remembered, passes":   {&rememberedError{busy, 2500 * time.Millisecond}, exitFailed, "onetoken: feishu refused: internal error (code 5000): try again in a moment; remembered from an earlier call, the issuer is asked again in 3s\n"},
		"limited":              {limited, exitFailed, "onetoken: feishu refused: too many (code 99991400, retry after 1m30s): try again in 1m31s\n"},
		"limited, remembered":  {&rememberedError{limited, time.Minute}, exitFailed, "onetoken: feishu refused: too many (code 99991400, retry after 1m30s): try again in 1m31s; remembered from an earlier call, the issuer is asked again in 1m1s\n"},
		"busy":                 {busy, exitFailed, "onetoken: feishu refused: internal error (code 5000): try again in a moment\n"},
		"redis":                {redis, exitFailed, "onetoken: redis timeout: check the load of redis and the network in between (REDIS_URL)\n"},
		"redis over TLS":       {&tlsError{redis}, exitFailed, "onetoken: rediss:// needs a port that speaks TLS, check that of REDIS_URL: redis timeout: check the load of redis and the network in between (REDIS_URL)\n"},
		"redis, a port of TLS": {&plainError{redis}, exitFailed, "onetoken: if the port speaks TLS, begin REDIS_URL with rediss://: redis timeout: check the load of redis and the network in between (REDIS_URL)\n"},
		"a secret's file":      {&filedError{refusal, files{"FEISHU_APP_SECRET": "f"}}, exitRefused, "onetoken: feishu refused: app secret invalid (code 10014, log id L1): check FEISHU_APP_SECRET_FILE; once that is mended, onetoken refresh asks at once\n"},
		"another's file":       {&filedError{refusal, files{"REDIS_URL": "f"}}, exitRefused, "onetoken: feishu refused: app secret invalid (code 10014, log id L1): check FEISHU_APP_SECRET; once that is mended, onetoken refresh asks at once\n"},
		"a URL's file":         {&tlsError{&filedError{redis, files{"REDIS_URL": "f"}}}, exitFailed, "onetoken: rediss:// needs a port that speaks TLS, check that of REDIS_URL_FILE: redis timeout: check the load of redis and the network in between (REDIS_URL_FILE)\n"},
		"too late":             {fmt.Errorf("no token: %w", context.DeadlineExceeded), exitFailed, "onetoken: no token: context deadline exceeded: try again, raise --timeout, or look with --log-level debug\n"},
		"joined, not usage":    {errors.Join(errors.New("x"), errors.New("y")), exitFailed, "onetoken: x y\n"},
		"moves the cursor":     {errors.New("a\x1b[2Jb\r\nc\u009b"), exitFailed, "onetoken: a [2Jb c\n"},
		"other alphabets":      {errors.New("无效的应用"), exitFailed, "onetoken: 无效的应用\n"},
		"other alphabets, 2":   {errors.New("a\u202eb"), exitFailed, "onetoken: a b\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			assert.Equal(t, c.code, report(&out, c.err))
			assert.Equal(t, c.says, out.String())
		})
	}
}
