package larksdk_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/adapters/larksdk"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache/tokencachetest"
)

// What is none of the apps' tokens is really stored.
func TestRest(t *testing.T) {
	tokenCache, _ := newWorld(feishutest.New(feishutest.Config{})).adapter(t, tokencachetest.New(t))
	for key, value := range map[string]string{
		"app_ticket-cli_test":                "ticket",
		"app_ticket-cli_foreign":             "ticket of another",
		third.tenant("cli_foreign", "t"):     "t-foreign",
		"jsapi_ticket-cli_test":              "x",
		"tenant_access_token:v9:cli_foreign": "t-v9",
	} {
		key += rand.Text() // the memory is the process's
		got, err := tokenCache.Get(t.Context(), key)
		require.NoError(t, err)
		assert.Empty(t, got)
		require.NoError(t, tokenCache.Set(t.Context(), key, value, time.Hour))
		got, err = tokenCache.Get(t.Context(), key)
		require.NoError(t, err)
		assert.Equal(t, value, got)
	}
}

// The user's own store may fail: that is no error where a token is to be had without it.
func TestRestThatFails(t *testing.T) {
	down := errors.New("down")
	tokenCache, _ := newWorld(feishutest.New(feishutest.Config{})).adapter(t, tokencachetest.New(t), func(c *larksdk.Config) { c.Rest = fails{down} })
	_, err := tokenCache.Get(t.Context(), "app_ticket-cli_test")
	require.ErrorIs(t, err, down)
	require.ErrorIs(t, tokenCache.Set(t.Context(), "app_ticket-cli_test", "x", time.Hour), down, "the event has to be sent again")

	got, err := tokenCache.Get(t.Context(), first.app("cli_foreign", ""))
	require.NoError(t, err)
	assert.Empty(t, got, "a miss")
	require.NoError(t, tokenCache.Set(t.Context(), first.app("cli_foreign", ""), "x", time.Hour))

	got, err = tokenCache.Get(t.Context(), first.app("cli_test", ""))
	require.NoError(t, err)
	assert.NotEmpty(t, got)
	require.NoError(t, tokenCache.Set(t.Context(), first.app("cli_test", ""), "x", time.Hour))
}

// A form of key that is yet to come finds its app; of what is unknown a person hears, once.
func TestUnknownKeys(t *testing.T) {
	var log strings.Builder
	w := newWorld(feishutest.New(feishutest.Config{}))
	sdk := w.sdk(t, func(c *larksdk.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	sdk.form = keyForm{
		func(app, _ string) string { return "v9:app_access_token:" + app + ":" + digest },
		func(app, tenant string) string { return "v9:tenant_access_token:" + app + ":" + digest + ":" + tenant },
	}
	for range 3 {
		for _, call := range []sdkCall{tenantCall, appCall} {
			reply, err := sdk.call(t.Context(), call)
			require.NoError(t, err)
			assert.Equal(t, 200, reply.status)
		}
	}
	assert.Equal(t, 2, strings.Count(log.String(), "a form of key that is unknown"))
	assert.NotContains(t, log.String(), digest)
	for range 3 {
		_, err := sdk.pkg.tokens().Get(t.Context(), third.app("cli_foreign", ""))
		require.NoError(t, err)
	}
	assert.Equal(t, 1, strings.Count(log.String(), "an app that is none of Config.Apps"))
}

// What is logged is bounded for each cause by itself: store apps that are none of the apps, with
// thousands of tenants, leave room for the rest.
func TestLogIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		tokenCache, _, err := larksdk.New(larksdk.Config{
			Apps:   []larksdk.App{{ID: "cli_test", Source: gives("x"), Hosts: []string{host}}},
			Logger: slog.New(slog.NewTextHandler(&log, nil)),
			Rest:   fails{errors.New("down")},
		})
		require.NoError(t, err)
		get := func(key string) {
			_, err := tokenCache.Get(t.Context(), key)
			require.NoError(t, err)
		}
		for tenant := range 1000 {
			get(third.tenant("cli_store", fmt.Sprint(tenant)))
		}
		get(third.app("cli_store", ""))
		assert.Equal(t, 1, strings.Count(log.String(), "cli_store"), "once for the app")
		assert.Equal(t, 1, strings.Count(log.String(), "store beside the apps' tokens fails"), "not at every Get")
		time.Sleep(time.Minute)
		get(third.app("cli_store", ""))
		assert.Equal(t, 2, strings.Count(log.String(), "store beside the apps' tokens fails"), "a minute later")
		require.NoError(t, tokenCache.Set(t.Context(), third.app("cli_store", ""), "x", time.Hour))
		assert.Equal(t, 2, strings.Count(log.String(), "store beside the apps' tokens fails"))

		for app := range 1000 {
			get(third.app(fmt.Sprint("cli_", app), ""))
		}
		assert.LessOrEqual(t, strings.Count(log.String(), "none of Config.Apps"), 100)
		for n := range 1000 {
			get(fmt.Sprint("v9:tenant_access_token:cli_a:", n))
		}
		unknown := strings.Count(log.String(), "a form of key that is unknown")
		assert.Positive(t, unknown, "it has its own bound")
		assert.LessOrEqual(t, unknown, 100)
	})
}

type fails struct{ err error }

func (f fails) Set(context.Context, string, string, time.Duration) error { return f.err }
func (f fails) Get(context.Context, string) (string, error)              { return "", f.err }
