package gateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/clients"
	"github.com/onetoken-go/onetoken/internal/service/gateway"
	"github.com/onetoken-go/onetoken/tokencache"
)

// What no answer may show, and no client gets.
const (
	appSecret    = "REAL-secret-of-the-app"
	botSecret    = "secret-of-bot-0123456789"
	oldSecret    = "old-secret-of-bot-012345"
	noteSecret   = "secret-of-notes-01234567"
	tenantPath   = "/open-apis/auth/v3/tenant_access_token/internal"
	appPath      = "/open-apis/auth/v3/app_access_token/internal"
	messagesPath = "/open-apis/im/v1/messages"
)

// stage is a Gateway behind a socket, with an API behind it that does what a test says.
type stage struct {
	*httptest.Server
	t     testing.TB
	table atomic.Pointer[clients.Table]
	vault vault
	api   *api

	mu   sync.Mutex // guards uses
	uses []gateway.Use
}

// open has the usual clients: bot may do all that needs no certificate with crm; notes may call crm and erp alone.
func open(t testing.TB, more ...clients.Client) *stage {
	t.Helper()
	s := &stage{t: t, api: newAPI(t)}
	s.vault = vault{"crm": newApp("cli_crm", s.api), "erp": newApp("cli_erp", s.api)}
	s.admit(append(everybody(), more...)...)
	g, err := gateway.New(gateway.Config{Clients: s.table.Load, Vault: s.vault, Audit: s.note})
	require.NoError(t, err)
	s.Server = httptest.NewServer(g)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Server.Close()
	})
	return s
}

func everybody() []clients.Client {
	return []clients.Client{
		{Name: "bot", Secrets: secrets(botSecret, oldSecret), Credentials: []string{"crm"}, May: clients.Call | clients.WS | clients.UserLogin, Rate: 1000},
		{Name: "notes", Secrets: secrets(noteSecret), Credentials: []string{"crm", "erp"}, May: clients.Call, Rate: 1000},
	}
}

func secrets(texts ...string) (all []tokencache.Secret) {
	for _, text := range texts {
		all = append(all, tokencache.NewSecret(text))
	}
	return all
}

// admit has these be the clients from now on.
func (s *stage) admit(list ...clients.Client) {
	s.t.Helper()
	table, err := clients.New(list, nil)
	require.NoError(s.t, err)
	s.table.Store(table)
}

func (s *stage) note(u gateway.Use) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.uses = append(s.uses, u)
}

func (s *stage) lastUse() gateway.Use {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	require.NotEmpty(s.t, s.uses)
	return s.uses[len(s.uses)-1]
}

// got is an answer.
type got struct {
	status int
	header http.Header
	body   string
	Code   int    `json:"code"`
	Msg    string `json:"msg"`
	Tenant string `json:"tenant_access_token"`
	App    string `json:"app_access_token"`
	Expire int64  `json:"expire"`
	Error  string `json:"error"`
}

func (s *stage) send(r *http.Request) (g got) {
	s.t.Helper()
	res, err := (&http.Transport{DisableKeepAlives: true, DisableCompression: true}).RoundTrip(r)
	require.NoError(s.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(s.t, err)
	g.status, g.header, g.body = res.StatusCode, res.Header, string(body)
	_ = json.Unmarshal(body, &g)
	for _, secret := range []string{appSecret, "REAL-token"} {
		assert.NotContains(s.t, fmt.Sprint(g.header, g.body), secret)
	}
	return g
}

// request has a token in it, unless that is "".
func (s *stage) request(method, path, token, body string) *http.Request {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.URL+path, strings.NewReader(body))
	require.NoError(s.t, err)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	return r
}

func (s *stage) call(method, path, token, body string) got {
	s.t.Helper()
	return s.send(s.request(method, path, token, body))
}

// ask asks a token endpoint.
func (s *stage) ask(path, id, secret string) got {
	s.t.Helper()
	body, err := json.Marshal(map[string]string{"app_id": id, "app_secret": secret})
	require.NoError(s.t, err)
	return s.call(http.MethodPost, path, "", string(body))
}

// standIn is the bot's, for crm's tenant token.
func (s *stage) standIn() string {
	s.t.Helper()
	g := s.ask(tenantPath, "cli_crm", botSecret)
	require.Equal(s.t, 0, g.Code, g.body)
	return g.Tenant
}

// api is what stands behind the gateway. It takes the tokens that its apps have.
type api struct {
	*httptest.Server
	serve atomic.Pointer[http.HandlerFunc] // nil: it says what it got

	mu  sync.Mutex // guards the rest
	got []received
}

// received is a request as it came.
type received struct {
	method, host, uri, token, body string
	header                         http.Header
}

func newAPI(t testing.TB) *api {
	a := &api{}
	a.Server = httptest.NewServer(a)
	t.Cleanup(func() {
		a.CloseClientConnections()
		a.Server.Close()
	})
	return a
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if serve := a.serve.Load(); serve != nil {
		(*serve)(w, r)
		return
	}
	a.take(r)
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"code":0,"msg":"success"}`)
}

func (a *api) take(r *http.Request) received {
	body, _ := io.ReadAll(r.Body)
	got := received{r.Method, r.Host, r.RequestURI, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), string(body), r.Header}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.got = append(a.got, got)
	return got
}

func (a *api) does(serve http.HandlerFunc) { a.serve.Store(&serve) }

// requests are all that came.
func (a *api) requests() []received {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.got)
}

func (a *api) last(t testing.TB) received {
	t.Helper()
	all := a.requests()
	require.NotEmpty(t, all, "nothing has come to the API")
	return all[len(all)-1]
}

// rejects the tokens that are given, as the API does, and takes all others.
func (a *api) rejects(bad ...string) {
	a.does(func(w http.ResponseWriter, r *http.Request) {
		got := a.take(r)
		w.Header().Set("Content-Type", "application/json")
		if slices.Contains(bad, got.token) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"code":99991663,"msg":"Invalid access token for authorization."}`)
			return
		}
		_, _ = io.WriteString(w, `{"code":0,"msg":"success"}`)
	})
}

// app has one token after the other.
type app struct {
	id   string
	base string

	mu          sync.Mutex // guards the rest
	n           int
	err         error
	whenAsked   func()
	invalidated []string
	cooled      bool // there is no other token for now
}

func newApp(id string, a *api) *app { return &app{id: id, base: a.URL, n: 1} }

func (a *app) App() gateway.App {
	return gateway.App{ID: a.id, Secret: tokencache.NewSecret(appSecret), BaseURL: a.base, API: http.DefaultTransport}
}

func (a *app) token() tokencache.Token {
	return tokencache.NewToken(fmt.Sprintf("a-REAL-token-%s-%d", a.id, a.n), fmt.Sprintf("t-REAL-token-%s-%d", a.id, a.n), 2*time.Hour)
}

func (a *app) Live(context.Context) (gateway.Live, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.whenAsked != nil {
		a.whenAsked()
	}
	return gateway.Live{App: a.App(), Token: a.token(), Tokens: a}, a.err
}

func (a *app) Another(context.Context) (tokencache.Token, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.token(), a.err
}

func (a *app) Invalidate(_ context.Context, bad tokencache.Token) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.invalidated = append(a.invalidated, bad.TenantAccessToken())
	if a.cooled {
		return tokencache.ErrCoolDown
	}
	if bad.TenantAccessToken() == a.token().TenantAccessToken() {
		a.n++
	}
	return nil
}

type vault map[string]gateway.Credential

func (v vault) Find(name string) (gateway.Credential, bool) {
	c, ok := v[name]
	return c, ok
}
