package door_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/fetcher/oauth2cc"
	"github.com/onetoken-go/onetoken/fetcher/oauth2test"
	"github.com/onetoken-go/onetoken/internal/service/door"
	"github.com/onetoken-go/onetoken/tokencache"
	"github.com/onetoken-go/onetoken/tokencache/tokencachetest"
)

// ofSource is a credential with one real Source.
type ofSource struct {
	*tokencache.Source
	kinds []door.Kind
}

func (c ofSource) Kinds() []door.Kind { return c.kinds }

func (c ofSource) Peek() (door.Handout, bool) {
	tok, ok := c.Source.Peek()
	return handoutOf(tok), ok
}

func (c ofSource) Get(ctx context.Context) (door.Handout, error) {
	tok, err := c.Source.Get(ctx)
	return handoutOf(tok), err
}

func (c ofSource) Reject(ctx context.Context, refused door.Refused) (door.Outcome, error) {
	return refused.At(ctx, c.Source)
}

// handoutOf refreshes half an hour before the end, as with Feishu.
func handoutOf(tok tokencache.Token) door.Handout {
	remaining := time.Until(tok.Expiry())
	return door.Handout{Token: tok, Remaining: remaining, Margin: 10 * time.Second, RefreshIn: remaining - 30*time.Minute}
}

// real is a vault of real Sources on lookalikes, and what they log at debug.
type real struct {
	vault
	feishu *feishutest.Issuer
	oauth  *oauth2test.Issuer
	log    *logged
}

// logged is what is logged, by many at once.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func newReal(t *testing.T) real {
	t.Helper()
	v := real{vault{}, feishutest.New(feishutest.Config{AppSecret: "SECRET-of-app"}), oauth2test.New(oauth2test.Config{Clients: []oauth2test.Client{{ID: "m2m", Secret: "SECRET-of-m2m"}}}), &logged{}}
	logger := slog.New(slog.NewTextHandler(io.MultiWriter(v.log), &slog.HandlerOptions{Level: slog.LevelDebug}))
	cache := tokencachetest.New(t, tokencache.Config{Logger: logger, Observe: func(e tokencache.Event) { logger.Debug("step", "kind", e.Kind, "error", e.Err) }})
	feishu, err := fetcher.NewFeishu(fetcher.FeishuConfig{AppID: v.feishu.AppID(), AppSecret: tokencache.NewSecret("SECRET-of-app"), Transport: v.feishu.RoundTripper(), Logger: logger})
	require.NoError(t, err)
	m2m, err := oauth2cc.New(oauth2cc.Config{TokenURL: "https://idp.example/token", ClientID: "m2m", ClientSecret: tokencache.NewSecret("SECRET-of-m2m"), Transport: v.oauth.RoundTripper()})
	require.NoError(t, err)
	v.vault["crm"] = ofSource{cache.Source(feishu), []door.Kind{door.Tenant, door.App}}
	v.vault["m2m"] = ofSource{cache.Source(m2m), []door.Kind{door.Access}}
	return v
}

// The whole way, from a client's request to the issuer, and back with a token that is good there.
func TestRealTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newReal(t)
		s := open(t, v)
		for query, valid := range map[string]func(string) bool{
			"crm": v.feishu.Valid, "crm?kind=app": v.feishu.Valid, "m2m": v.oauth.Valid,
		} {
			w := s.get("/v1/tokens/"+query, bearer(reportsSecret))
			require.Equal(t, http.StatusOK, w.Code, "%s", w.Body)
			got := fields(t, w)
			assert.True(t, valid(got["access_token"].(string)), query)
			time.Sleep(time.Duration(got["expires_in"].(float64)) * time.Second)
			assert.True(t, valid(got["access_token"].(string)), "as long as it said")
		}
		got := fields(t, s.post(endpoint, asReports("&scope=crm:app")))
		assert.True(t, v.feishu.Valid(got["access_token"].(string)))
	})
}

func TestRealRejection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newReal(t)
		s := open(t, v)
		get := func() map[string]any {
			w := s.get("/v1/tokens/crm", bearer(billingSecret))
			require.Equal(t, http.StatusOK, w.Code, "%s %s", w.Body, w.Header())
			return fields(t, w)
		}
		reject := func(field string, value any) any {
			w := s.post("/v1/tokens/crm/reject", `{"`+field+`":"`+value.(string)+`"}`, bearer(billingSecret))
			return fields(t, w)["outcome"]
		}
		first := get()
		calls := v.feishu.Stats().Calls
		assert.Equal(t, "replaced", reject("access_token", "t-of-nobody's"))
		assert.Equal(t, "replaced", reject("fingerprint", strings.Repeat("0", 32)))
		assert.Equal(t, first, get())
		assert.Equal(t, calls, v.feishu.Stats().Calls, "a token that was never ours costs nothing")

		v.feishu.Revoke(first["access_token"].(string))
		assert.Equal(t, "invalidated", reject("access_token", first["access_token"]))
		second := get()
		assert.NotEqual(t, first["access_token"], second["access_token"])
		assert.Equal(t, "replaced", reject("access_token", first["access_token"]), "it comes late")
		assert.Equal(t, "replaced", reject("fingerprint", first["fingerprint"]))
		assert.Equal(t, second, get())
		assert.Equal(t, calls+1, v.feishu.Stats().Calls)

		time.Sleep(10 * time.Minute)
		v.feishu.SetKeepRevoked(true)
		second = get()
		v.feishu.Revoke(second["access_token"].(string))
		assert.Equal(t, "invalidated", reject("fingerprint", second["fingerprint"]))
		w := s.get("/v1/tokens/crm", bearer(billingSecret))
		for range 10 { // the issuer's answer was under suspicion at first: a client repeats as it is told
			if w.Code == http.StatusOK {
				break
			}
			refused(t, w, http.StatusServiceUnavailable, "temporarily_unavailable")
			time.Sleep(5 * time.Second)
			w = s.get("/v1/tokens/crm", bearer(billingSecret))
		}
		again := get()
		assert.Equal(t, second["access_token"], again["access_token"], "the issuer hands it out again")
		assert.Equal(t, "paced", reject("fingerprint", again["fingerprint"]))
		assert.Equal(t, again, get(), "nothing was done")
	})
}

func TestRealRefusalOfTheIssuer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newReal(t)
		v.feishu.SetFault(feishutest.WrongSecret())
		v.oauth.SetFault(oauth2test.Status(http.StatusServiceUnavailable))
		s := open(t, v)
		w := s.get("/v1/tokens/crm", bearer(reportsSecret))
		refused(t, w, http.StatusBadGateway, "server_error")
		assert.Equal(t, 10014., fields(t, w)["issuer_code"])
		assert.NotEmpty(t, fields(t, w)["issuer_log_id"])

		begin := time.Now()
		w = s.get("/v1/tokens/m2m", bearer(reportsSecret))
		refused(t, w, http.StatusServiceUnavailable, "temporarily_unavailable")
		assert.LessOrEqual(t, time.Since(begin), door.Patience)
		assert.NotEmpty(t, w.Header().Get("Retry-After"))
	})
}

// I5: what the parts below log at debug, and what is told of uses, has nothing of a token or a secret.
func TestNothingOfASecretIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newReal(t)
		s := open(t, v)
		var tokens []string
		for _, r := range []*http.Request{
			request("/v1/tokens/crm", "", bearer(reportsSecret)), request("/v1/tokens/crm?kind=app", "", bearer(reportsSecret)),
			request("/v1/tokens/m2m", "", bearer(reportsSecret)), request("/v1/tokens/m2m", "", bearer("SECRET-that-is-wrong")),
			request("/v1/tokens/"+billingSecret, "", bearer(billingSecret)), request(endpoint, asReports("&scope="+readerSecret)),
		} {
			w := s.answer(r)
			if w.Code == http.StatusOK {
				tokens = append(tokens, fields(t, w)["access_token"].(string))
			} else {
				checkNothingShown(t, w)
			}
		}
		require.Len(t, tokens, 3)
		for _, token := range tokens {
			s.post("/v1/tokens/crm/reject", `{"access_token":"`+token+`"}`, bearer(billingSecret))
		}
		for _, use := range s.uses {
			slog.New(slog.NewTextHandler(v.log, nil)).Info("use", "use", use, "cause", use.Cause)
		}
		synctest.Wait()
		text := v.log.String()
		require.Contains(t, text, "invalidate", "the steps are logged")
		require.Contains(t, text, "access_denied")
		assert.NotContains(t, text, "SECRET")
		for _, token := range tokens {
			assert.NotContains(t, text, token)
		}
	})
}
