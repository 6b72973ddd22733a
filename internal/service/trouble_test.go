package service

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/tokencache"
)

func TestTroubleOf(t *testing.T) {
	refused := &tokencache.IssuerError{Issuer: "feishu", Code: 10014, Message: "app secret invalid", Class: tokencache.ClassPermanent, Advice: "check the app secret"}
	busy := &tokencache.IssuerError{Issuer: "feishu", Message: "no answer"}
	redis := &tokencache.RedisError{Trouble: tokencache.TroubleTimeout}
	since := time.Unix(1e9, 0)
	for name, c := range map[string]struct {
		why           error
		status        tokencache.Status
		text, todo    string
		person, redis bool
		own           bool
	}{
		"the issuer refuses":           {why: refused, text: "feishu refused: app secret invalid (code 10014)", todo: "check the app secret", person: true, own: true},
		"it passes":                    {why: busy, text: "feishu: no answer", own: true},
		"another service has met it":   {status: tokencache.Status{Failure: refused}, text: "feishu refused: app secret invalid (code 10014)", todo: "check the app secret", person: true},
		"what we met ourselves counts": {why: busy, status: tokencache.Status{Failure: refused}, text: "feishu: no answer", own: true},
		"redis":                        {why: redis, text: "redis timeout", todo: "check the load of redis and the network in between", redis: true, own: true},
		"around redis, and it passes":  {why: fmt.Errorf("%w (asked directly, because of %w)", busy, redis), text: "feishu: no answer", own: true},
		"around redis, and it refuses": {why: fmt.Errorf("%w (asked directly, because of %w)", refused, redis), text: "feishu refused: app secret invalid (code 10014)", todo: "check the app secret", person: true, own: true},
	} {
		t.Run(name, func(t *testing.T) {
			c.status.RetryIn = 90 * time.Second
			r := troubleOf(since, c.why, c.status)
			require.NotNil(t, r)
			assert.Equal(t, c.text, r.Text)
			assert.Equal(t, c.todo, r.Advice)
			assert.Equal(t, c.person, r.NeedsPerson)
			assert.Equal(t, c.redis, r.Redis)
			assert.Equal(t, c.own, r.Since != nil)
			assert.EqualValues(t, 90, r.RetryIn)
		})
	}
	assert.Nil(t, troubleOf(time.Time{}, nil, tokencache.Status{}))
	assert.Nil(t, troubleOf(time.Time{}, nil, tokencache.Status{Failure: busy, State: tokencache.StateFresh}), "it is over")
}
