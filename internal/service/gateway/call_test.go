package gateway_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/clients"
	"github.com/onetoken-go/onetoken/internal/service/gateway"
	"github.com/onetoken-go/onetoken/tokencache"
)

// The API gets what the client has sent, with the app's token in the stand-in's place.
func TestCall(t *testing.T) {
	s := open(t)
	g := s.call(http.MethodPost, messagesPath+"?receive_id_type=chat_id&x=a%2Fb;c", s.standIn(), `{"receive_id":"x"}`)
	assert.Equal(t, 200, g.status)
	assert.JSONEq(t, `{"code":0,"msg":"success"}`, g.body)
	got := s.api.last(t)
	assert.Equal(t, "POST", got.method)
	assert.Equal(t, messagesPath+"?receive_id_type=chat_id&x=a%2Fb;c", got.uri)
	assert.Equal(t, strings.TrimPrefix(s.api.URL, "http://"), got.host)
	assert.Equal(t, "t-REAL-token-cli_crm-1", got.token)
	assert.Equal(t, `{"receive_id":"x"}`, got.body)
	assert.Equal(t, gateway.Use{Client: "bot", Credential: "crm", Status: 200}, s.lastUse())

	both := s.ask(appPath, "cli_crm", botSecret)
	s.call(http.MethodGet, "/open-apis/x/", both.App, "")
	assert.Equal(t, "a-REAL-token-cli_crm-1", s.api.last(t).token)
	assert.Equal(t, "/open-apis/x/", s.api.last(t).uri)

	erp := s.ask(tenantPath, "cli_erp", noteSecret)
	s.call(http.MethodDelete, "/open-apis/x", erp.Tenant, "")
	assert.Equal(t, "t-REAL-token-cli_erp-1", s.api.last(t).token)
	assert.Len(t, s.api.requests(), 3)
}

// A base URL may have a path, and encoded parts stay as they are.
func TestBaseURLWithPath(t *testing.T) {
	s := open(t)
	s.vault["crm"].(*app).base += "/a%20b/c"
	s.call(http.MethodGet, "/open-apis/sheets/v2/x!A1%3AB2/%E6%88%91%20%25", s.standIn(), "")
	assert.Equal(t, "/a%20b/c/open-apis/sheets/v2/x!A1%3AB2/%E6%88%91%20%25", s.api.last(t).uri)
}

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

// The token that an API rejects is told the fleet, and the call sent once more with the next.
func TestRejection(t *testing.T) {
	for name, c := range map[string]struct {
		body    string
		chunked bool
		twice   bool
	}{
		"no body":                   {twice: true},
		"small":                     {body: "{}", twice: true},
		"1 MiB":                     {body: strings.Repeat("x", 1<<20), twice: true},
		"1 MiB + 1 B":               {body: strings.Repeat("x", 1<<20+1)},
		"1 MiB of unknown length":   {body: strings.Repeat("x", 1<<20), chunked: true, twice: true},
		"more, of unknown length":   {body: strings.Repeat("x", 1<<20+1), chunked: true},
		"5 MiB":                     {body: strings.Repeat("x", 5<<20)},
		"5 MiB, of unknown length":  {body: strings.Repeat("x", 5<<20), chunked: true},
		"nothing of unknown length": {body: "", chunked: true, twice: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			s.api.rejects("t-REAL-token-cli_crm-1")
			r := s.request(http.MethodPost, messagesPath, s.standIn(), c.body)
			if c.chunked {
				r.Body, r.ContentLength = io.NopCloser(bytes.NewReader([]byte(c.body))), -1
			}
			g := s.send(r)
			crm := s.vault["crm"].(*app)
			assert.Equal(t, []string{"t-REAL-token-cli_crm-1"}, crm.invalidated)
			all := s.api.requests()
			if !c.twice {
				assert.Equal(t, 400, g.status)
				assert.Equal(t, 99991663, g.Code, "the API's answer")
				require.Len(t, all, 1)
				assert.Equal(t, 0, s.call(http.MethodPost, messagesPath, s.standIn(), "{}").Code, "the next call succeeds")
				return
			}
			assert.Equal(t, 0, g.Code)
			require.Len(t, all, 2)
			assert.Equal(t, "t-REAL-token-cli_crm-2", all[1].token)
			assert.Equal(t, len(c.body), len(all[1].body), "all of it, once more")
		})
	}
}

// A second rejection is the API's answer, as is one after which another token is not to be had yet.
func TestRejectionThatStays(t *testing.T) {
	s := open(t)
	s.api.rejects("t-REAL-token-cli_crm-1", "t-REAL-token-cli_crm-2")
	g := s.call(http.MethodPost, messagesPath, s.standIn(), "{}")
	assert.Equal(t, 99991663, g.Code)
	assert.Len(t, s.api.requests(), 2)
	s.vault["crm"].(*app).cooled = true
	g = s.call(http.MethodPost, messagesPath, s.standIn(), "{}")
	assert.Equal(t, 99991663, g.Code)
	assert.Len(t, s.api.requests(), 3)
}

func TestNoToken(t *testing.T) {
	refusal := &tokencache.IssuerError{Issuer: "feishu", Code: 10014, Message: "app secret invalid", LogID: "log-1", Class: tokencache.ClassPermanent}
	for name, c := range map[string]struct {
		err    error
		status int
		retry  bool
		words  string
	}{
		"the issuer refuses": {refusal, 502, false, `"issuer_code":10014`},
		"not yet":            {context.DeadlineExceeded, 503, true, "the first one is still to come"},
		"Redis":              {&tokencache.RedisError{Trouble: tokencache.TroubleTimeout}, 503, true, "does not reach its Redis"},
	} {
		s := open(t)
		s.vault["crm"].(*app).err = c.err
		g := s.call(http.MethodGet, "/open-apis/x", s.standIn(), "")
		assert.Equal(t, c.status, g.status, name)
		assert.Equal(t, c.status, g.Code, name)
		assert.Contains(t, g.body, c.words, name)
		assert.Equal(t, c.retry, g.header.Get("Retry-After") != "", name)
		assert.Equal(t, gateway.Use{Client: "bot", Credential: "crm", Status: c.status, Refused: "no token now", Cause: c.err}, s.lastUse())
	}
}

// An issuer that gives one kind of token alone is told apart from an API that does not answer.
func TestNoTokenOfTheKind(t *testing.T) {
	s := open(t)
	s.vault["crm"] = onlyApp{s.vault["crm"].(*app)}
	g := s.call(http.MethodGet, "/open-apis/x", s.standIn(), "")
	assert.Equal(t, 502, g.status)
	assert.Contains(t, g.Msg, "no token of this kind")
}

type onlyApp struct{ *app }

func (o onlyApp) Live(ctx context.Context) (gateway.Live, error) {
	live, err := o.app.Live(ctx)
	live.Token = tokencache.NewToken("a-alone", "", time.Hour)
	return live, err
}

func TestAPIThatDoesNotAnswer(t *testing.T) {
	s := open(t)
	s.api.does(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if assert.NoError(t, err) {
			_ = conn.Close()
		}
	})
	g := s.call(http.MethodPost, messagesPath, s.standIn(), "{}")
	assert.Equal(t, 502, g.status)
	assert.Equal(t, 502, g.Code)
	u := s.lastUse()
	assert.Equal(t, "no answer", u.Refused)
	require.Error(t, u.Cause)
	assert.NotContains(t, fmt.Sprint(u.Cause), "REAL")
}

// A credential that serves yet as what it was before, of another kind, has nowhere to send a call.
func TestNoWayToTheAPI(t *testing.T) {
	s := open(t)
	s.vault["crm"] = wayless{s.vault["crm"].(*app)}
	g := s.call(http.MethodGet, "/open-apis/x", s.standIn(), "")
	assert.Equal(t, 502, g.status)
	assert.Empty(t, s.api.requests())
}

type wayless struct{ *app }

func (w wayless) Live(ctx context.Context) (gateway.Live, error) {
	live, err := w.app.Live(ctx)
	live.API = nil
	return live, err
}

// A rejection is seen also if the client would take it compressed.
func TestRejectionOfWhoTakesGzip(t *testing.T) {
	s := open(t)
	s.api.does(func(w http.ResponseWriter, r *http.Request) {
		got := s.api.take(r)
		text := `{"code":0,"msg":"success"}`
		if got.token == "t-REAL-token-cli_crm-1" {
			text = `{"code":99991663,"msg":"Invalid access token for authorization."}`
		}
		w.Header().Set("Content-Type", "application/json")
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "br") {
			_, _ = io.WriteString(w, text)
			return
		}
		w.Header().Set("Content-Encoding", "br")
		_, _ = io.WriteString(w, "not to be read without a library")
	})
	r := s.request(http.MethodGet, "/open-apis/x", s.standIn(), "")
	r.Header.Set("Accept-Encoding", "gzip, br")
	assert.Equal(t, 0, s.send(r).Code)
	assert.Len(t, s.api.requests(), 2)
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

// A client that goes away while a token is waited for is no failure of anybody's.
func TestClientThatLeavesBeforeTheToken(t *testing.T) {
	s := open(t)
	standIn := s.standIn()
	ctx, leave := context.WithCancel(t.Context())
	s.vault["crm"] = never{s.vault["crm"].(*app), leave}
	res, err := http.DefaultTransport.RoundTrip(s.request(http.MethodGet, "/open-apis/x", standIn, "").WithContext(ctx))
	if res != nil {
		res.Body.Close()
	}
	require.ErrorIs(t, err, context.Canceled)
	want := gateway.Use{Client: "bot", Credential: "crm", Status: gateway.StatusGone}
	require.Eventually(t, func() bool { return s.lastUse() == want }, 5*time.Second, time.Millisecond)
}

// never has a token.
type never struct {
	*app
	whenAsked func()
}

func (n never) Live(ctx context.Context) (gateway.Live, error) {
	n.whenAsked()
	<-ctx.Done()
	return gateway.Live{}, ctx.Err()
}
