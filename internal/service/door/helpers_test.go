package door_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/clients"
	"github.com/onetoken-go/onetoken/internal/service/door"
	"github.com/onetoken-go/onetoken/tokencache"
)

// What no refusal may show. Every value has its own mark.
const (
	billingSecret = "SECRET-of-billing-0123456789"
	reportsSecret = "SECRET-of-reports+/=%20&:0123" // of signs that need escaping
	readerSecret  = "SECRET-of-reader-0123456789"
	appToken      = "a-TOKEN-app"
	tenantToken   = "t-TOKEN-tenant"
	accessToken   = "TOKEN-access"
)

var uidOfReader = uint32(1000)

// everybody are clients: billing has one credential, reports two, reader may only get.
func everybody() []clients.Client {
	return []clients.Client{
		{Name: "billing", Secrets: secrets(billingSecret), Credentials: []string{"crm"}, May: clients.Get | clients.Reject},
		{Name: "reports", Secrets: secrets(reportsSecret), Credentials: []string{"crm", "m2m", "gone"}, May: clients.Get | clients.Reject},
		{Name: "reader", Secrets: secrets(readerSecret), UID: &uidOfReader, Credentials: []string{"m2m"}, May: clients.Get},
	}
}

func secrets(text string) []tokencache.Secret {
	return []tokencache.Secret{tokencache.NewSecret(text)}
}

// credential is one that does as it is told.
type credential struct {
	kinds   []door.Kind
	atHand  bool
	handout door.Handout
	get     func(context.Context) (door.Handout, error)
	reject  func(context.Context, door.Refused) (door.Outcome, error)
}

func (c *credential) Kinds() []door.Kind         { return c.kinds }
func (c *credential) Peek() (door.Handout, bool) { return c.handout, c.atHand }
func (c *credential) Get(ctx context.Context) (door.Handout, error) {
	return c.get(ctx)
}
func (c *credential) Reject(ctx context.Context, r door.Refused) (door.Outcome, error) {
	return c.reject(ctx, r)
}

// vault is of such credentials, or of any other.
type vault map[string]door.Credential

func (v vault) Find(name string) (door.Credential, bool) {
	c, ok := v[name]
	return c, ok
}

var usualHandout = door.Handout{
	Token:     tokencache.NewToken(appToken, tenantToken, 2*time.Hour),
	Remaining: 100*time.Minute + 300*time.Millisecond,
	Margin:    10 * time.Second,
	RefreshIn: 70*time.Minute + 700*time.Millisecond,
}

// withToken has a token at hand, and never to wait.
func withToken(h door.Handout, kinds ...door.Kind) *credential {
	return &credential{kinds: kinds, atHand: true, handout: h,
		get: func(context.Context) (door.Handout, error) { panic("nobody waits with a token at hand") },
		reject: func(_ context.Context, r door.Refused) (door.Outcome, error) {
			if r.Is(h.Token) {
				return door.Invalidated, nil
			}
			return door.Replaced, nil
		}}
}

// withoutToken gets err.
func withoutToken(err error) *credential {
	return &credential{kinds: []door.Kind{door.Tenant, door.App},
		get:    func(context.Context) (door.Handout, error) { return door.Handout{}, err },
		reject: func(context.Context, door.Refused) (door.Outcome, error) { return "", err }}
}

// usualVault has Feishu's crm and OAuth's m2m.
func usualVault() vault {
	m2m := usualHandout
	m2m.Token = tokencache.NewToken(accessToken, "", time.Hour)
	return vault{"crm": withToken(usualHandout, door.Tenant, door.App), "m2m": withToken(m2m, door.Access), "secret": withToken(usualHandout, door.Access)}
}

// stage is a Door and what it tells.
type stage struct {
	*door.Door
	table atomic.Pointer[clients.Table]
	mu    sync.Mutex // guards uses
	uses  []door.Use
}

// open makes a Door of a vault, with everybody before it unless there are others.
func open(t testing.TB, v door.Vault, list ...clients.Client) *stage {
	t.Helper()
	if list == nil {
		list = everybody()
	}
	table, err := clients.New(list, nil)
	require.NoError(t, err)
	s := &stage{}
	s.table.Store(table)
	s.Door, err = door.New(door.Config{
		Clients: s.table.Load, Vault: v, Hosts: []string{"tokens.example"},
		Audit: s.note,
	})
	require.NoError(t, err)
	return s
}

func (s *stage) note(u door.Use) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.uses = append(s.uses, u)
}

func (s *stage) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.uses = s.uses[:0]
}

// lastUse is what was told last.
func (s *stage) lastUse(t testing.TB) door.Use {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	require.NotEmpty(t, s.uses)
	return s.uses[len(s.uses)-1]
}

// change of a request.
type change func(*http.Request)

func header(name string, values ...string) change {
	return func(r *http.Request) { r.Header[http.CanonicalHeaderKey(name)] = values }
}

func bearer(secret string) change { return header("Authorization", "Bearer "+secret) }

func basic(name, secret string) change {
	return header("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(name+":"+secret)))
}

func host(name string) change { return func(r *http.Request) { r.Host = name } }

func within(ctx context.Context) change { return func(r *http.Request) { *r = *r.WithContext(ctx) } }

// request is a GET, or with a body a POST of what its first character says.
func request(path, body string, changes ...change) *http.Request {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	if body != "" {
		r = httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
		media := "application/x-www-form-urlencoded"
		if strings.HasPrefix(body, "{") {
			media = "application/json"
		}
		r.Header.Set("Content-Type", media)
	}
	r.Host = "localhost:8081"
	for _, change := range changes {
		change(r)
	}
	return r
}

func (s *stage) answer(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func (s *stage) get(path string, changes ...change) *httptest.ResponseRecorder {
	return s.answer(request(path, "", changes...))
}

func (s *stage) post(path, body string, changes ...change) *httptest.ResponseRecorder {
	return s.answer(request(path, body, changes...))
}

// fields are those of an answer in JSON.
func fields(t testing.TB, w *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	var all map[string]any
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &all), "%s", w.Body)
	return all
}

// refused checks that the answer is a refusal with that status and code.
func refused(t testing.TB, w *httptest.ResponseRecorder, status int, code string) {
	t.Helper()
	assert.Equal(t, status, w.Code)
	got := fields(t, w)
	assert.Equal(t, code, got["error"])
	assert.Regexp(t, `^[ !#-\[\]-~]+$`, got["error_description"], "RFC 6749, section 5.2")
	checkNothingShown(t, w)
}

func checkNothingShown(t testing.TB, w *httptest.ResponseRecorder) {
	t.Helper()
	var shown strings.Builder
	shown.WriteString(w.Body.String())
	for name, values := range w.Header() {
		shown.WriteString(name + strings.Join(values, " "))
	}
	assert.NotContains(t, shown.String(), "SECRET")
	assert.NotContains(t, shown.String(), "TOKEN")
}
