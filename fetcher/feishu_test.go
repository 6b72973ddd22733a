package fetcher_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
)

func TestFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := newIssuer()
		f := newFeishu(t, issuer.RoundTripper())
		tok, err := f.Fetch(t.Context())
		require.NoError(t, err)
		pair := issuer.Pairs()[0]
		assert.Equal(t, pair.App, tok.AppAccessToken())
		assert.Equal(t, pair.Tenant, tok.TenantAccessToken())
		assert.Equal(t, pair.End, tok.Expiry())

		issuer.SetRemaining(4567*time.Second + 999*time.Millisecond)
		again, err := f.Fetch(t.Context())
		require.NoError(t, err)
		assert.True(t, tok.Equal(again))
		assert.Equal(t, 4567*time.Second, time.Until(again.Expiry()))
	})
}

func TestRequest(t *testing.T) {
	var got *http.Request
	var body map[string]string
	f := newFeishu(t, roundTrip(func(r *http.Request) (*http.Response, error) {
		got = r
		require.NoError(t, json.NewDecoder(r.Body).Decode(&body))
		return answering(200, nil, goodAnswer).RoundTrip(r)
	}))
	_, err := f.Fetch(t.Context())
	require.NoError(t, err)
	assert.Equal(t, http.MethodPost, got.Method)
	assert.Equal(t, "https://open.feishu.cn/open-apis/auth/v3/app_access_token/internal", got.URL.String())
	assert.Equal(t, "application/json; charset=utf-8", got.Header.Get("Content-Type"))
	assert.Equal(t, map[string]string{"app_id": appID, "app_secret": secret}, body)
}

func TestCredential(t *testing.T) {
	f := newFeishu(t, nil)
	want, err := tokencache.NewCredential(tokencache.CredentialConfig{
		Issuer: "feishu", App: appID, Public: []string{"https://open.feishu.cn"}, Secret: []tokencache.Secret{tokencache.NewSecret(secret)},
	})
	require.NoError(t, err)
	got := f.Credential()
	assert.Equal(t, want.ID(), got.ID(), "of docs/interop.md: other languages find it by that")
	assert.Equal(t, "feishu", got.Issuer())
	assert.Equal(t, appID, got.App())
	assert.Equal(t, 30*time.Minute, got.Window())
	assert.Equal(t, 2*time.Hour+time.Minute, got.MaxLife())
}

func TestCredentialsApart(t *testing.T) {
	digests := map[string]string{}
	for name, c := range map[string]fetcher.FeishuConfig{
		"one":            {AppID: appID, AppSecret: tokencache.NewSecret(secret)},
		"another app":    {AppID: "cli_other", AppSecret: tokencache.NewSecret(secret)},
		"another secret": {AppID: appID, AppSecret: tokencache.NewSecret("other")},
		"another cloud":  {AppID: appID, AppSecret: tokencache.NewSecret(secret), BaseURL: fetcher.LarkURL},
		"a moved border": {AppID: appID + "S", AppSecret: tokencache.NewSecret(secret[1:])},
	} {
		f, err := fetcher.NewFeishu(c)
		require.NoError(t, err)
		digests[f.Credential().ID()] = name
	}
	assert.Len(t, digests, 5)
}

func TestIssuerWindow(t *testing.T) {
	f, err := fetcher.NewFeishu(fetcher.FeishuConfig{AppID: appID, AppSecret: tokencache.NewSecret(secret), Window: 5 * time.Second})
	require.NoError(t, err)
	assert.Equal(t, 5*time.Second, f.Credential().Window())
}

// None of the ways in which values end up in a log shows the secret.
func TestSecretDoesNotPrint(t *testing.T) {
	config := fetcher.FeishuConfig{AppID: appID, AppSecret: tokencache.NewSecret(secret)}
	f := newFeishu(t, nil)
	for _, v := range []any{f, *f, config, &config, struct{ C fetcher.FeishuConfig }{config}, struct{ f *fetcher.Feishu }{f}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%p", "%w"} {
			assertNoSecret(t, fmt.Sprintf(verb, v))
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("text", "v", v)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("json", "v", v)
		assertNoSecret(t, log.String())
		text, err := json.Marshal(v)
		require.NoError(t, err)
		assertNoSecret(t, string(text))
	}
	assert.Equal(t, "feishu app "+appID, f.String())
}

// A failed assertion digs into unexported fields: it must not find the secret.
func TestSecretIsNotInDiffs(t *testing.T) {
	var rec recorder
	assert.Equal(&rec, newFeishu(t, nil), newFeishu(t, answering(200, nil, "")))
	require.NotEmpty(t, rec.said)
	assertNoSecret(t, rec.said)
}

func ExampleNewFeishu() {
	issuer := feishutest.New(feishutest.Config{}) // leave Transport out to reach the real one
	feishu, err := fetcher.NewFeishu(fetcher.FeishuConfig{
		AppID:     issuer.AppID(),
		AppSecret: tokencache.NewSecret(issuer.AppSecret()),
		Transport: issuer.RoundTripper(),
	})
	if err != nil {
		panic(err)
	}
	tok, err := feishu.Fetch(context.Background())
	if err != nil {
		panic(err)
	}
	fmt.Println(feishu)
	fmt.Println("valid:", issuer.Valid(tok.AppAccessToken()))
	fmt.Println("life:", time.Until(tok.Expiry()).Round(time.Minute))
	// Output:
	// feishu app cli_test
	// valid: true
	// life: 2h0m0s
}

func ExampleFeishu_Fetch_refused() {
	issuer := feishutest.New(feishutest.Config{})
	feishu, err := fetcher.NewFeishu(fetcher.FeishuConfig{
		AppID:     issuer.AppID(),
		AppSecret: tokencache.NewSecret("a-wrong-one"),
		Transport: issuer.RoundTripper(),
	})
	if err != nil {
		panic(err)
	}
	_, err = feishu.Fetch(context.Background())
	if refused, ok := errors.AsType[*tokencache.IssuerError](err); ok {
		fmt.Println(refused.Code, refused.Message)
		fmt.Println(refused.Class)
	}
	// Output:
	// 10014 app secret invalid
	// permanent
}

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

type recorder struct{ said string }

func (r *recorder) Errorf(format string, args ...any) { r.said += fmt.Sprintf(format, args...) }
