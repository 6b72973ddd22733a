package fetcher_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
)

const (
	appID  = "cli_a1b2c3d4e5f6g7h8"
	secret = "S3cr3t<of>Th3&App/+="
)

func newFeishu(t testing.TB, transport http.RoundTripper) *fetcher.Feishu {
	t.Helper()
	f, err := fetcher.NewFeishu(fetcher.FeishuConfig{AppID: appID, AppSecret: tokencache.NewSecret(secret), Transport: transport})
	require.NoError(t, err)
	return f
}

func newIssuer() *feishutest.Issuer {
	return feishutest.New(feishutest.Config{AppID: appID, AppSecret: secret})
}

// roundTrip is a transport made of a function.
type roundTrip func(*http.Request) (*http.Response, error)

// answering is a transport that gives one answer.
func answering(status int, header http.Header, body string) http.RoundTripper {
	return roundTrip(func(*http.Request) (*http.Response, error) {
		if header == nil {
			header = http.Header{}
		}
		return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(bytes.NewReader([]byte(body)))}, nil
	})
}

// fetchError expects Fetch to fail, and checks what holds for every failure.
func fetchError(t testing.TB, transport http.RoundTripper) *tokencache.IssuerError {
	t.Helper()
	return fetchErrorOf(t.Context(), t, newFeishu(t, transport))
}

func fetchErrorOf(ctx context.Context, t testing.TB, f *fetcher.Feishu) *tokencache.IssuerError {
	t.Helper()
	tok, err := f.Fetch(ctx)
	require.Error(t, err)
	assert.True(t, tok.IsZero())
	e, ok := errors.AsType[*tokencache.IssuerError](err)
	require.True(t, ok, "not an IssuerError: %v", err)
	assert.Equal(t, "feishu", e.Issuer)
	assert.NotEmpty(t, e.Message)
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v %+v", err, *e, *e, e.Err), secret)
	return e
}

func assertNoSecret(t testing.TB, s string) {
	t.Helper()
	assert.NotContains(t, s, secret)
	assert.NotContains(t, s, fmt.Sprintf("%x", secret))
	quoted, err := json.Marshal(secret)
	require.NoError(t, err)
	assert.NotContains(t, s, string(quoted))
}

const goodAnswer = `{"app_access_token":"a-1","code":0,"expire":7200,"msg":"ok","tenant_access_token":"t-1"}`

const (
	transient   = tokencache.ClassTransient
	unknown     = tokencache.ClassUnknown
	rateLimited = tokencache.ClassRateLimited
	quota       = tokencache.ClassQuota
	permanent   = tokencache.ClassPermanent
)

func assertLocal(t *testing.T, e *tokencache.IssuerError) {
	t.Helper()
	assert.Equal(t, transient, e.Class)
	assert.True(t, e.Local)
	assert.Zero(t, e.Status)
	assert.Zero(t, e.Code)
}

// at uses the transport of its own, the one that users get.
func at(t *testing.T, baseURL string) *fetcher.Feishu {
	t.Helper()
	f, err := fetcher.NewFeishu(fetcher.FeishuConfig{AppID: appID, AppSecret: tokencache.NewSecret(secret), BaseURL: baseURL})
	require.NoError(t, err)
	return f
}
