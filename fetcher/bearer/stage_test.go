package bearer_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/fetcher/bearer"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
	"github.com/onetoken-go/onetoken/tokencache/tokencachetest"
)

const (
	host    = "open.feishu.cn"
	query   = "https://" + host + feishutest.QueryPath
	message = "https://" + host + feishutest.MessagesPath

	goodMessage = `{"receive_id":"ou_1","msg_type":"text","content":"{\"text\":\"hi\"}"}`
)

// roundTrip is a RoundTripper.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// stage is an issuer, a Source of its tokens, and a Transport that calls its
// business APIs and whose requests are kept.
type stage struct {
	issuer *feishutest.Issuer
	source *tokencache.Source
	client *http.Client

	mu   sync.Mutex // guards sent
	sent []*http.Request
}

func newStage(t *testing.T, issuer feishutest.Config, mods ...func(*bearer.Config)) *stage {
	t.Helper()
	return newStageOn(t, tokencachetest.New(t), issuer, mods...)
}

// farStage is for bubbles, with a Redis 1 ms away: one that takes no time
// cannot tell whether a token was asked for before it was rejected or after,
// and has it asked for once more.
func farStage(t *testing.T, issuer feishutest.Config, mods ...func(*bearer.Config)) *stage {
	t.Helper()
	redis := redistest.NewBubble(t)
	redis.Link("far").Delay(time.Millisecond)
	return newStageOn(t, tokencachetest.On(t, redis.Client("far")), issuer, mods...)
}

func newStageOn(t *testing.T, cache *tokencache.Cache, issuer feishutest.Config, mods ...func(*bearer.Config)) *stage {
	t.Helper()
	s := &stage{issuer: feishutest.New(issuer)}
	feishu, err := fetcher.NewFeishu(fetcher.FeishuConfig{
		AppID: s.issuer.AppID(), AppSecret: tokencache.NewSecret(s.issuer.AppSecret()), Transport: s.issuer.RoundTripper(),
	})
	require.NoError(t, err)
	s.source = cache.Source(feishu)
	c := bearer.Config{Source: s.source, Hosts: []string{host}, Base: s.issuer.RoundTripper()}
	for _, mod := range mods {
		mod(&c)
	}
	base := c.Base
	c.Base = roundTrip(func(req *http.Request) (*http.Response, error) {
		s.mu.Lock()
		s.sent = append(s.sent, req)
		s.mu.Unlock()
		return base.RoundTrip(req)
	})
	transport, err := bearer.New(c)
	require.NoError(t, err)
	s.client = &http.Client{Transport: transport}
	return s
}

// on has replies of the test's own in place of the business API's.
func on(base roundTrip) func(*bearer.Config) {
	return func(c *bearer.Config) { c.Base = base }
}

// authorizations that were sent, in their order.
func (s *stage) authorizations() (all []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, req := range s.sent {
		all = append(all, req.Header.Get("Authorization"))
	}
	return all
}

// calls is how often the issuer was asked for a token and gave one.
func (s *stage) calls() int { return s.issuer.Stats().Calls }

// revoke ends the token that was minted last.
func (s *stage) revoke(t *testing.T) {
	t.Helper()
	pairs := s.issuer.Pairs()
	require.True(t, s.issuer.Revoke(pairs[len(pairs)-1].Tenant))
}

func (s *stage) tenants() (all []string) {
	for _, pair := range s.issuer.Pairs() {
		all = append(all, "Bearer "+pair.Tenant)
	}
	return all
}

func newRequest(t *testing.T, method, url string, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, body)
	require.NoError(t, err)
	return req
}

// do returns status and body.
func (s *stage) do(t *testing.T, req *http.Request) (int, string) {
	t.Helper()
	resp, err := s.client.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(body)
}

// reply is a response whose length is not announced.
func reply(status int, contentType, body string) *http.Response {
	return &http.Response{
		StatusCode:    status,
		Header:        http.Header{"Content-Type": {contentType}},
		Body:          io.NopCloser(strings.NewReader(body)),
		ContentLength: -1,
	}
}

const jsonType = "application/json; charset=utf-8"

// warm gets the token that the test then revokes.
func warm(t *testing.T, s *stage) {
	t.Helper()
	_, err := s.source.Get(t.Context())
	require.NoError(t, err)
	s.revoke(t)
}

// closes counts how often a body was closed.
type closes struct {
	io.Reader
	times int
}

func (c *closes) Close() error {
	c.times++
	return nil
}

const rejection = `{"code":99991663,"msg":"Invalid access token for authorization"}`

// tokenOf is a token of an issuer that has one kind.
func tokenOf(text string) tokencache.Token { return tokencache.NewToken("", text, time.Hour) }
