package doctor

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/internal/service/config"
	"github.com/onetoken-go/onetoken/internal/service/remote"
	"github.com/onetoken-go/onetoken/internal/statusjson"
	"github.com/onetoken-go/onetoken/tokencache"
)

// What Redis has not got, the running service may have: then nobody is told that there is no service.
func TestCredentialBesideARunningService(t *testing.T) {
	t.Parallel()
	refused := &tokencache.IssuerError{Issuer: "feishu", Message: "app secret invalid", Class: tokencache.ClassPermanent, Advice: "check the app secret"}
	absent := tokencache.Status{State: tokencache.StateAbsent}
	atItsEnd := tokencache.Status{State: tokencache.StateUrgent, Remaining: 4 * time.Second, Life: time.Hour}
	usable, not := true, false
	has := func(left float64) *remote.Credential {
		c := &remote.Credential{Usable: &usable}
		c.Remaining = statusjson.Seconds(left)
		return c
	}
	before := has(600)
	before.Newer = &remote.Newer{Error: "wrong"}
	for name, c := range map[string]struct {
		stored              tokencache.Status
		own                 *remote.Credential
		status, found, todo string
	}{
		"nothing, and no service":     {absent, nil, checkWarn, "no token is stored, and nobody has asked for one", "start the service"},
		"nothing, and it has none":    {absent, &remote.Credential{Usable: &not}, checkWarn, "nobody has asked for one", "start the service"},
		"nothing, and it has one":     {absent, has(600), checkWarn, "no token is stored, and the service hands out one that it has got around redis", "see what is said of redis"},
		"refused, no service":         {tokencache.Status{State: tokencache.StateAbsent, Failure: refused}, nil, checkFail, "app secret invalid", "check the app secret"},
		"refused, the one before is":  {tokencache.Status{State: tokencache.StateAbsent, Failure: refused}, before, checkFail, "app secret invalid; meanwhile the service hands out tokens of the one before this", "check the app secret"},
		"an end, no service":          {atItsEnd, nil, checkWarn, "that is the end of it, and nobody has brought another", "see that a service runs"},
		"an end, which is its too":    {atItsEnd, has(4), checkWarn, "that is the end of it, and nobody has brought another", "see that a service runs"},
		"an end, and it has a later":  {atItsEnd, has(600), checkWarn, "the token that is stored ends in 4s, and the service hands out one that it has got around redis", "see what is said of redis"},
		"an older service is no help": {absent, &remote.Credential{}, checkWarn, "nobody has asked for one", "start the service"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := &fileExam{chart: &chart{out: &bytes.Buffer{}}, seen: map[string]tokencache.Status{"crm": c.stored}}
			if c.own != nil {
				c.own.Name = "crm"
				x.own = &witnessed{report: remote.Report{Credentials: []remote.Credential{*c.own}}}
			}
			f := x.credential(t.Context(), config.Credential{Name: "crm"})
			assert.Equal(t, c.status, f.Status)
			assert.Contains(t, f.Found, c.found)
			assert.Contains(t, f.Advice, c.todo)
		})
	}
}
