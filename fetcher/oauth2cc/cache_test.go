package oauth2cc_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/oauth2cc"
	"github.com/onetoken-go/onetoken/tokencache"
	"github.com/onetoken-go/onetoken/tokencache/tokencachetest"
)

// server mints a token at every call, that names its scope.
type server struct {
	mu    sync.Mutex // guards calls
	calls map[string]int
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	scope := strings.ReplaceAll(r.PostFormValue("scope"), " ", "+")
	if scope == "forbidden" {
		w.WriteHeader(400)
		_, _ = io.WriteString(w, `{"error":"invalid_scope","error_description":"not for you"}`)
		return
	}
	s.calls[scope]++
	_, _ = fmt.Fprintf(w, `{"access_token":"%s#%d","token_type":"Bearer","expires_in":3600}`, scope, s.calls[scope])
}

func (s *server) counts() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.calls)
}

func at(t *testing.T, url string, scopes ...string) *oauth2cc.Fetcher {
	t.Helper()
	c := config(nil)
	c.TokenURL, c.Scopes = url, scopes
	return newFetcher(t, c)
}

// Two scopes of one client never share a record, and the same scopes in another order do; each is
// asked for once, however many want it, and a rejected one is replaced alone.
func TestScopesInACache(t *testing.T) {
	issuer := &server{calls: map[string]int{}}
	web := httptest.NewServer(issuer)
	defer web.Close()
	cache := tokencachetest.New(t)
	read, write := cache.Source(at(t, web.URL, "read")), cache.Source(at(t, web.URL, "write"))
	both, turned := cache.Source(at(t, web.URL, "read", "write")), cache.Source(at(t, web.URL, "write", "read", "read"))
	assert.Same(t, both, turned)

	var all sync.WaitGroup
	for range 20 {
		for source, want := range map[*tokencache.Source]string{read: "read#1", write: "write#1", both: "read+write#1"} {
			all.Go(func() {
				tok, err := source.Get(t.Context())
				if assert.NoError(t, err) {
					assert.Equal(t, want, tok.AccessToken())
				}
			})
		}
	}
	all.Wait()
	rejected, err := read.Get(t.Context())
	require.NoError(t, err)
	require.NoError(t, read.Invalidate(t.Context(), rejected))
	for source, want := range map[*tokencache.Source]string{read: "read#2", write: "write#1", both: "read+write#1"} {
		tok, err := source.Get(t.Context())
		require.NoError(t, err)
		assert.Equal(t, want, tok.AccessToken())
	}
	assert.Equal(t, map[string]int{"read": 2, "write": 1, "read+write": 1}, issuer.counts())
}

// A refusal is told to the whole fleet, with its code.
func TestRefusalInACache(t *testing.T) {
	issuer := &server{calls: map[string]int{}}
	web := httptest.NewServer(issuer)
	defer web.Close()
	source := tokencachetest.New(t).Source(at(t, web.URL, "forbidden"))
	for range 3 {
		_, err := source.Get(t.Context())
		require.ErrorIs(t, err, tokencache.ErrIssuer)
		assert.Equal(t, "invalid_scope", oauth2cc.ErrorCode(err))
		assert.Contains(t, err.Error(), "oauth2 answered: invalid_scope: not for you (HTTP 400): check the scopes")
	}
}
