package main

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/internal/advice"
	"github.com/onetoken-go/onetoken/tokencache"
)

func TestReport(t *testing.T) {
	t.Parallel()
	refusal := &tokencache.IssuerError{
		Issuer: "feishu", Code: 10014, Message: "app secret invalid", LogID: "L1",
		Class: tokencache.ClassPermanent, Advice: "check the app secret",
	}
	redis := &tokencache.RedisError{Trouble: "timeout"}
	for name, c := range map[string]struct {
		err  error
		code int
		says string
	}{
		"nothing":            {nil, exitOK, ""},
		"any":                {errors.New("x"), exitFailed, "onetoken: x\n"},
		"usage":              {usage(errors.New("x")), exitUsage, "onetoken: x\n"},
		"usage of nothing":   {usage(nil), exitOK, ""},
		"usage, two":         {usage(errors.Join(errors.New("x"), errors.New("y"))), exitUsage, "onetoken: x\nonetoken: y\n"},
		"usage, two parts":   {errors.Join(usage(errors.New("x")), usage(errors.New("y"))), exitUsage, "onetoken: x\nonetoken: y\n"},
		"usage, wrapped":     {usage(fmt.Errorf("all: %w", errors.Join(errors.New("x"), errors.New("y")))), exitUsage, "onetoken: x\nonetoken: y\n"},
		"refusal":            {refusal, exitRefused, "onetoken: feishu refused: app secret invalid (code 10014, log id L1): check FEISHU_APP_SECRET; once that is mended, onetoken refresh asks at once\n"},
		"refusal and redis":  {fmt.Errorf("%w (because of %w)", refusal, redis), exitRefused, "onetoken: feishu refused: app secret invalid (code 10014, log id L1): check FEISHU_APP_SECRET (because of redis timeout: check the load of redis and the network in between (REDIS_URL)); once that is mended, onetoken refresh asks at once\n"},
		"redis":              {redis, exitFailed, "onetoken: redis timeout: check the load of redis and the network in between (REDIS_URL)\n"},
		"remembered":         {&advice.Remembered{Err: refusal}, exitRefused, "onetoken: feishu refused: app secret invalid (code 10014, log id L1): check FEISHU_APP_SECRET; remembered from an earlier call, the issuer is asked again in up to 5 min, with another id or secret at once; once that is mended, onetoken refresh asks at once\n"},
		"joined, not usage":  {errors.Join(errors.New("x"), errors.New("y")), exitFailed, "onetoken: x y\n"},
		"moves the cursor":   {errors.New("a\x1b[2Jb\r\nc\u009b"), exitFailed, "onetoken: a [2Jb c\n"},
		"other alphabets":    {errors.New("无效的应用"), exitFailed, "onetoken: 无效的应用\n"},
		"other alphabets, 2": {errors.New("a\u202eb"), exitFailed, "onetoken: a b\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			assert.Equal(t, c.code, report(&out, c.err))
			assert.Equal(t, c.says, out.String())
		})
	}
}
