package acceptance_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	larkcore "github.com/larksuite/oapi-sdk-go/v3/core"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/adapters/larksdk"
	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/fetcher/bearer"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
	"github.com/onetoken-go/onetoken/tokencache/tokencachetest"
)

// Callers that begin together share one call of the issuer, and a token that is revoked heals without
// one of them noticing.
func TestLarkSDKSharesAToken(t *testing.T) {
	s := newLarkStage(t, feishutest.Config{})
	sdk := s.client()
	all := func() {
		var callers sync.WaitGroup
		for range 20 {
			callers.Go(func() {
				resp, err := sdk.do(t.Context(), http.MethodGet, feishutest.QueryPath, nil, larkcore.AccessTokenTypeUser, larkcore.AccessTokenTypeTenant)
				if assert.NoError(t, err) {
					assert.Equal(t, http.StatusOK, resp.StatusCode, "%s", resp.RawBody)
				}
			})
		}
		callers.Wait()
	}
	all()
	assert.Equal(t, 1, s.issuer.Stats().Calls)
	require.True(t, s.issuer.Revoke(s.issuer.Pairs()[0].Tenant))
	all()
	assert.Equal(t, 2, s.issuer.Stats().Calls)
}

// What an API that takes app tokens alone gets is the app token.
func TestLarkSDKSendsTheAppToken(t *testing.T) {
	s := newLarkStage(t, feishutest.Config{})
	login := func() larkReply {
		resp, err := s.client().do(t.Context(), http.MethodPost, feishutest.LoginPath, map[string]string{"code": "x"}, larkcore.AccessTokenTypeApp)
		require.NoError(t, err)
		return larkReplyOf(t, resp)
	}
	assert.Zero(t, login().Code)
	require.True(t, s.issuer.Revoke(s.issuer.Pairs()[0].App))
	assert.Zero(t, login().Code, "code 99991664 costs the token as well")
	assert.Equal(t, 2, s.issuer.Stats().Calls)
	assert.Equal(t, 3, s.requests(feishutest.LoginPath))
}

// The SDK reads a file once, and the rejection comes after that: the second send has all of it.
func TestLarkSDKUploadsAWholeFile(t *testing.T) {
	s := newLarkStage(t, feishutest.Config{})
	sdk := s.client()
	file := make([]byte, 5<<20)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(file)
	sum := sha256.Sum256(file)
	for range 2 {
		resp, err := sdk.upload(t.Context(), file)
		require.NoError(t, err)
		got := larkReplyOf(t, resp)
		assert.Zero(t, got.Code, got.Msg)
		assert.Equal(t, len(file), got.Data.Size)
		assert.Equal(t, hex.EncodeToString(sum[:]), got.Data.SHA256)
		s.issuer.Revoke(s.issuer.Pairs()[0].Tenant) // before the second upload
	}
	assert.Equal(t, 2, s.issuer.Stats().Calls)
	assert.Equal(t, 3, s.requests(feishutest.FilesPath))
}

// A rejection that stays ends the call. The SDK itself would send an empty file, as it does at the
// second try without the adapter, and report what the API says to that.
func TestLarkSDKDoesNotUploadAnEmptyFile(t *testing.T) {
	s := newLarkStage(t, feishutest.Config{KeepRevoked: true})
	sdk := s.client()
	_, err := sdk.upload(t.Context(), []byte("file"))
	require.NoError(t, err)
	require.True(t, s.issuer.Revoke(s.issuer.Pairs()[0].Tenant))
	_, err = sdk.upload(t.Context(), []byte("file"))
	var rejected *bearer.RejectedError
	require.ErrorAs(t, err, &rejected)
	assert.ErrorIs(t, err, bearer.ErrSameToken)
	assert.Equal(t, 2, s.requests(feishutest.FilesPath), "one for each upload")
}

// The SDK's own log has each request and reply, at debug level. Without the adapter it shows tokens.
func TestLarkSDKLogsNoToken(t *testing.T) {
	s := newLarkStage(t, feishutest.Config{})
	shown := func(sdk larkClient) bool {
		resp, err := sdk.do(t.Context(), http.MethodGet, feishutest.QueryPath, nil, larkcore.AccessTokenTypeTenant)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, resp.StatusCode)
		pair := s.issuer.Pairs()[0]
		require.True(t, s.issuer.Valid(pair.Tenant))
		log := s.log.String()
		require.Contains(t, log, feishutest.QueryPath)
		s.log.reset()
		return strings.Contains(log, pair.Tenant) || strings.Contains(log, pair.App) || strings.Contains(log, s.issuer.AppSecret())
	}
	assert.False(t, shown(s.client()))
	assert.True(t, shown(s.without()), "or this test would notice nothing")
}

// With its cache switched off the SDK sends no token. What to do about it is told once.
func TestLarkSDKWithoutACache(t *testing.T) {
	s := newLarkStage(t, feishutest.Config{})
	sdk := s.client(func(c *larkcore.Config) { c.EnableTokenCache = false })
	for range 3 {
		resp, err := sdk.do(t.Context(), http.MethodGet, feishutest.QueryPath, nil, larkcore.AccessTokenTypeTenant)
		require.NoError(t, err)
		assert.Equal(t, 99991661, larkReplyOf(t, resp).Code)
	}
	assert.Equal(t, 1, strings.Count(s.warned.String(), "lark.WithEnableTokenCache(false)"), s.warned.String())
}

// Without the cache of the adapter the SDK asks for a token by itself, and the error says what to set.
func TestLarkSDKWithAnotherCache(t *testing.T) {
	s := newLarkStage(t, feishutest.Config{})
	sdk := s.client(func(c *larkcore.Config) { c.TokenCache = noCache{} })
	_, err := sdk.do(t.Context(), http.MethodGet, feishutest.QueryPath, nil, larkcore.AccessTokenTypeTenant)
	require.ErrorIs(t, err, larksdk.ErrTokenRequest)
	assert.Zero(t, s.issuer.Stats().Calls)
}

// larkStage is an issuer behind a socket, with the adapter on a cache of its own.
type larkStage struct {
	issuer *feishutest.Issuer
	url    string
	cache  *larksdk.Cache
	http   *larksdk.Client
	log    sharedLog // the SDK's
	warned sharedLog // the adapter's

	mu   sync.Mutex     // guards sent
	sent map[string]int // requests by path
}

func newLarkStage(t *testing.T, c feishutest.Config) *larkStage {
	t.Helper()
	s := &larkStage{issuer: feishutest.New(c), sent: map[string]int{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.sent[r.URL.Path]++
		s.mu.Unlock()
		s.issuer.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	feishu, err := fetcher.NewFeishu(fetcher.FeishuConfig{
		AppID: s.issuer.AppID(), AppSecret: tokencache.NewSecret(s.issuer.AppSecret()), BaseURL: s.url,
	})
	require.NoError(t, err)
	base := new(http.Transport)
	t.Cleanup(base.CloseIdleConnections)
	s.cache, s.http, err = larksdk.New(larksdk.Config{
		Apps:   []larksdk.App{{ID: s.issuer.AppID(), Source: tokencachetest.New(t).Source(feishu), Hosts: []string{feishu.Origin()}}},
		Base:   base,
		Logger: slog.New(slog.NewTextHandler(&s.warned, nil)),
	})
	require.NoError(t, err)
	return s
}

func (s *larkStage) requests(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent[path]
}

// client is the SDK's with the adapter; mods have the last word.
func (s *larkStage) client(mods ...func(*larkcore.Config)) larkClient {
	with := func(c *larkcore.Config) { c.TokenCache, c.HttpClient = s.cache, s.http }
	return newLarkClient(s, append([]func(*larkcore.Config){with}, mods...)...)
}

// without is the SDK's as it is, with nothing in its cache.
func (s *larkStage) without() larkClient {
	return newLarkClient(s, func(c *larkcore.Config) { c.TokenCache = noCache{} })
}

// larkClient is a lark.Client, of which the root package has little but the types of all APIs, and
// takes minutes to compile.
type larkClient struct{ config *larkcore.Config }

// newLarkClient does what lark.NewClient does, in its order.
func newLarkClient(s *larkStage, mods ...func(*larkcore.Config)) larkClient {
	c := &larkcore.Config{
		BaseUrl: s.url, AppId: s.issuer.AppID(), AppSecret: s.issuer.AppSecret(), EnableTokenCache: true, AppType: larkcore.AppTypeSelfBuilt,
		LogLevel: larkcore.LogLevelDebug, LogReqAtDebug: true, Logger: &s.log,
	}
	for _, mod := range mods {
		mod(c)
	}
	larkcore.NewLogger(c)
	larkcore.NewCache(c)
	larkcore.NewSerialization(c)
	larkcore.NewHttpClient(c)
	return larkClient{c}
}

// do is lark.Client.Do.
func (c larkClient) do(ctx context.Context, method, path string, body any, takes ...larkcore.AccessTokenType) (*larkcore.ApiResp, error) {
	return larkcore.Request(ctx, &larkcore.ApiReq{HttpMethod: method, ApiPath: path, Body: body, SupportedAccessTokenTypes: takes}, c.config)
}

// upload is Im.V1.File.Create.
func (c larkClient) upload(ctx context.Context, file []byte) (*larkcore.ApiResp, error) {
	form := larkcore.NewFormdata().AddField("file_type", "stream").AddField("file_name", "file").AddFile("file", bytes.NewReader(file))
	return c.do(ctx, http.MethodPost, feishutest.FilesPath, form, larkcore.AccessTokenTypeTenant)
}

type larkReply struct {
	Code int
	Msg  string
	Data struct {
		Size   int
		SHA256 string `json:"sha256"`
	}
}

func larkReplyOf(t *testing.T, resp *larkcore.ApiResp) (r larkReply) {
	t.Helper()
	require.NoError(t, json.Unmarshal(resp.RawBody, &r))
	return r
}

// noCache is a larkcore.Cache in which nothing stays.
type noCache struct{}

func (noCache) Set(context.Context, string, string, time.Duration) error { return nil }
func (noCache) Get(context.Context, string) (string, error)              { return "", nil }

// sharedLog is a larkcore.Logger, and an io.Writer, for many at once.
type sharedLog struct {
	mu  sync.Mutex // guards all
	all bytes.Buffer
}

func (l *sharedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(p)
}

func (l *sharedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

func (l *sharedLog) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all.Reset()
}

func (l *sharedLog) Debug(_ context.Context, args ...any) { _, _ = fmt.Fprintln(l, args...) }
func (l *sharedLog) Info(_ context.Context, args ...any)  { _, _ = fmt.Fprintln(l, args...) }
func (l *sharedLog) Warn(_ context.Context, args ...any)  { _, _ = fmt.Fprintln(l, args...) }
func (l *sharedLog) Error(_ context.Context, args ...any) { _, _ = fmt.Fprintln(l, args...) }
