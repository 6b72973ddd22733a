package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/internal/service/clients"
	"github.com/onetoken-go/onetoken/internal/service/gateway"
)

func TestTokensThatAreNone(t *testing.T) {
	s := open(t)
	good := s.standIn()
	for name, c := range map[string]struct {
		authorization []string
		code          int
	}{
		"none":              {nil, 99991661},
		"empty":             {[]string{""}, 99991671},
		"another scheme":    {[]string{"Basic " + good}, 99991671},
		"bare":              {[]string{good}, 99991671},
		"two":               {[]string{"Bearer " + good, "Bearer " + good}, 99991671},
		"a token":           {[]string{"Bearer t-REAL"}, 99991663},
		"a user's":          {[]string{"Bearer u-somebody"}, 99991663},
		"the secret":        {[]string{"Bearer " + botSecret}, 99991663},
		"cut short":         {[]string{"Bearer " + good[:len(good)-1]}, 99991663},
		"with more":         {[]string{"Bearer " + good + "A"}, 99991663},
		"another seal":      {[]string{"Bearer " + good[:len(good)-4] + "AAAA"}, 99991663},
		"no seal":           {[]string{"Bearer " + good[:strings.LastIndex(good, ".")+1]}, 99991663},
		"no claims":         {[]string{"Bearer ot1.." + good[strings.LastIndex(good, ".")+1:]}, 99991663},
		"the scheme alone":  {[]string{"Bearer ot1."}, 99991663},
		"very long":         {[]string{"Bearer ot1." + strings.Repeat("A", 1<<12) + ".AAAA"}, 99991663},
		"another alphabet":  {[]string{"Bearer " + strings.Replace(good, "ot1.", "ot1.+", 1)}, 99991663},
		"another's claims":  {[]string{"Bearer " + transplant(s.ask(tenantPath, "cli_erp", noteSecret).Tenant, good)}, 99991663},
		"of another kind":   {[]string{"Bearer " + transplant(s.ask(appPath, "cli_crm", botSecret).App, good)}, 99991663},
		"of another secret": {[]string{"Bearer " + transplant(good, s.ask(tenantPath, "crm", oldSecret).Tenant)}, 0}, // the same claims, sealed by the bot's other secret
	} {
		r := s.request(http.MethodGet, "/open-apis/x", "", "")
		r.Header["Authorization"] = c.authorization
		g := s.send(r)
		assert.Equal(t, c.code, g.Code, "%s: %s", name, g.body)
		if c.code != 0 {
			assert.Equal(t, 400, g.status, name)
			assert.NotEmpty(t, s.lastUse().Refused, name)
		}
	}
	assert.Len(t, s.api.requests(), 1, "of the last alone")
}

// transplant has the claims of one and the seal of another.
func transplant(claims, seal string) string {
	return claims[:strings.LastIndex(claims, ".")] + seal[strings.LastIndex(seal, "."):]
}

// A stand-in dies with its client, its grant, its permission or its secret, and not with anything else.
func TestDeathOfStandIns(t *testing.T) {
	s := open(t)
	byNew, byOld := s.standIn(), s.ask(tenantPath, "cli_crm", oldSecret).Tenant
	bot := everybody()[0]
	for name, c := range map[string]struct {
		change   func(*clients.Client)
		new, old bool
	}{
		"nothing":                     {change: func(*clients.Client) {}, new: true, old: true},
		"its rate":                    {change: func(c *clients.Client) { c.Rate = 7 }, new: true, old: true},
		"its old secret":              {change: func(c *clients.Client) { c.Secrets = secrets(botSecret) }, new: true},
		"its new secret":              {change: func(c *clients.Client) { c.Secrets = secrets(oldSecret) }, old: true},
		"their order":                 {change: func(c *clients.Client) { c.Secrets = secrets(oldSecret, botSecret) }, new: true, old: true},
		"its grant":                   {change: func(c *clients.Client) { c.Credentials = []string{"erp"} }},
		"its permission":              {change: func(c *clients.Client) { c.May = clients.Get }},
		"its name":                    {change: func(c *clients.Client) { c.Name = "robot" }},
		"rights that it has not used": {change: func(c *clients.Client) { c.May = clients.Call }, new: true, old: true},
	} {
		changed := bot
		c.change(&changed)
		s.admit(changed)
		before := len(s.api.requests())
		for text, lives := range map[string]bool{byNew: c.new, byOld: c.old} {
			g := s.call(http.MethodGet, "/open-apis/x", text, "")
			if lives {
				assert.Equal(t, 0, g.Code, name)
				before++
				continue
			}
			assert.Equal(t, 400, g.status, name)
			assert.Equal(t, 99991663, g.Code, name)
		}
		assert.Len(t, s.api.requests(), before, "%s: no call for a dead one", name)
	}
	s.admit()
	assert.Equal(t, 99991663, s.call(http.MethodGet, "/open-apis/x", byNew, "").Code, "its client")
	s.admit(everybody()...)
	delete(s.vault, "crm")
	assert.Equal(t, 99991663, s.call(http.MethodGet, "/open-apis/x", byNew, "").Code, "its credential")
}

// A right that a reload takes away while a token is waited for is gone.
func TestRightThatIsTakenAwayMeanwhile(t *testing.T) {
	s := open(t)
	standIn := s.standIn()
	s.vault["crm"].(*app).whenAsked = func() { s.admit() }
	assert.Equal(t, 99991663, s.call(http.MethodGet, "/open-apis/x", standIn, "").Code)
	assert.Empty(t, s.api.requests())
}

// A stand-in that was got for one app is not good for another that takes over the credential's name.
func TestAppThatChanges(t *testing.T) {
	s := open(t)
	standIn := s.standIn()
	s.vault["crm"] = newApp("cli_new", s.api)
	assert.Equal(t, 99991663, s.call(http.MethodGet, "/open-apis/x", standIn, "").Code)
	assert.Empty(t, s.api.requests())
	assert.Equal(t, 10014, s.ask(tenantPath, "cli_crm", botSecret).Code)
	assert.Equal(t, 0, s.call(http.MethodGet, "/open-apis/x", s.ask(tenantPath, "cli_new", botSecret).Tenant, "").Code)
}

// The audit names the client of a stand-in that is its own, and over.
func TestAuditOfDeadStandIns(t *testing.T) {
	s := open(t)
	standIn := s.standIn()
	bot := everybody()[0]
	bot.Credentials = []string{"erp"}
	s.admit(bot)
	s.call(http.MethodGet, "/open-apis/x", standIn, "")
	assert.Equal(t, gateway.Use{Client: "bot", Credential: "crm", Status: 400, Refused: "dead stand-in"}, s.lastUse())
	s.admit()
	s.call(http.MethodGet, "/open-apis/x", standIn, "")
	assert.Equal(t, gateway.Use{Status: 400, Refused: "dead stand-in"}, s.lastUse())
}
