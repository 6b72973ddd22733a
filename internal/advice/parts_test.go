package advice

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/tokencache"
)

func TestParts(t *testing.T) {
	t.Parallel()
	refusal := &tokencache.IssuerError{Issuer: "feishu", Code: 10014, Message: "app secret invalid", Class: tokencache.ClassPermanent, Advice: "check the app secret"}
	busy := &tokencache.IssuerError{Issuer: "feishu", Code: 5000, Message: "internal error"}
	redis := &tokencache.RedisError{Trouble: tokencache.TroubleTimeout}
	for name, c := range map[string]struct {
		err        error
		text, todo string
	}{
		"a person has to act": {refusal, "feishu refused: app secret invalid (code 10014)", "check the app secret"},
		"wrapped":             {fmt.Errorf("crm: %w", refusal), "crm: feishu refused: app secret invalid (code 10014)", "check the app secret"},
		"passes by itself":    {busy, "feishu refused: internal error (code 5000)", ""},
		"redis":               {redis, "redis timeout", "check the load of redis and the network in between"},
		"asks to wait": {&tokencache.IssuerError{Issuer: "feishu", Code: 99991400, Message: "too many", RetryAfter: 41382 * time.Millisecond, Advice: "ask less often"},
			"feishu refused: too many (code 99991400)", "ask less often"},
		"asks for nothing else": {fmt.Errorf("crm: %w", &tokencache.IssuerError{Issuer: "feishu", Message: "too many", RetryAfter: 9 * time.Second}), "crm: feishu: too many", ""},
		"of neither":            {errors.New("odd"), "odd", ""},
		"the issuer and redis":  {fmt.Errorf("%w (asked directly, because of %w)", refusal, redis), "feishu refused: app secret invalid (code 10014) (asked directly, because of redis timeout)", "check the app secret; check the load of redis and the network in between"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, todo := Parts(c.err)
			assert.Equal(t, c.text, text)
			assert.Equal(t, c.todo, todo)
		})
	}
}
