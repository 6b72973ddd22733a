package advice

import (
	"errors"
	"fmt"
	"testing"

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
		"a person has to act":  {refusal, "feishu refused: app secret invalid (code 10014)", "check the app secret"},
		"wrapped":              {fmt.Errorf("crm: %w", refusal), "crm: feishu refused: app secret invalid (code 10014)", "check the app secret"},
		"passes by itself":     {busy, "feishu refused: internal error (code 5000)", ""},
		"redis":                {redis, "redis timeout", "check the load of redis and the network in between"},
		"of neither":           {errors.New("odd"), "odd", ""},
		"the issuer and redis": {fmt.Errorf("%w (asked directly, because of %w)", refusal, redis), "feishu refused: app secret invalid (code 10014) (asked directly, because of redis timeout)", "check the app secret; check the load of redis and the network in between"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, todo := Parts(c.err)
			assert.Equal(t, c.text, text)
			assert.Equal(t, c.todo, todo)
		})
	}
}
