package gateway_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/gateway"
	"github.com/onetoken-go/onetoken/tokencache"
)

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
