package fetcher_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/tokencache"
)

func TestEveryComplaint(t *testing.T) {
	config := fetcher.FeishuConfig{
		AppSecret: tokencache.NewSecret(secret + "\n"),
		BaseURL:   "https://user:hunter2@:99999/?q#f",
		Window:    -time.Second,
	}
	_, err := fetcher.NewFeishu(config)
	require.Error(t, err)
	require.EqualError(t, config.Validate(), strings.TrimPrefix(err.Error(), "fetcher: "), "before anything is built")
	assert.NoError(t, fetcher.FeishuConfig{AppID: appID, AppSecret: tokencache.NewSecret(secret)}.Validate())
	for _, part := range []string{"AppID", "AppSecret", "no host", "port", "password", "query", "Window"} {
		assert.ErrorContains(t, err, part)
	}
	assert.NotContains(t, err.Error(), "hunter2")
	assertNoSecret(t, err.Error())
}

func TestCredentials(t *testing.T) {
	for _, c := range []struct {
		edge, id, secret string
		complaint        string // "" means it is good
	}{
		{"both", appID, secret, ""},
		{"no id", "", secret, "AppID is empty"},
		{"no secret", appID, "", "AppSecret is empty"},
		{"newline of a file", appID, "abc\n", "AppSecret: its last character is a newline"},
		{"space inside", "cli test", secret, "AppID: its character 4 is a space"},
		{"outside of ASCII", "cli_ü", secret, "AppID: its last character is outside of ASCII"},
		{"longest id", strings.Repeat("i", 128), secret, ""},
		{"id too long", strings.Repeat("i", 129), secret, "AppID is longer"},
		{"a letter for a secret", appID, "a", "AppSecret is shorter than 4 characters"},
		{"a short word for a secret", appID, "not", "AppSecret is shorter than 4 characters"},
		{"shortest secret", appID, "abcd", ""},
		{"longest secret", appID, strings.Repeat("s", 1024), ""},
		{"secret too long", appID, strings.Repeat("s", 1025), "AppSecret is longer"},
	} {
		t.Run(c.edge, func(t *testing.T) {
			_, err := fetcher.NewFeishu(fetcher.FeishuConfig{AppID: c.id, AppSecret: tokencache.NewSecret(c.secret)})
			if c.complaint == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.complaint)
			if len(c.secret) > 3 {
				assert.NotContains(t, err.Error(), c.secret)
			}
		})
	}
}

func TestUnencryptedIsWarnedAbout(t *testing.T) {
	for baseURL, warned := range map[string]bool{
		"https://open.feishu.cn":     false,
		"http://localhost:8080":      false,
		"http://feishu.localhost":    false,
		"http://127.0.0.1:8080":      false,
		"http://127.8.9.10":          false,
		"http://[::1]:8080":          false,
		"http://[::ffff:127.0.0.1]":  false,
		"http://10.0.0.1:8080":       true,
		"http://gw.example":          true,
		"http://localhost.example":   true,
		"http://127.0.0.1.nip.io:80": true,
	} {
		t.Run(baseURL, func(t *testing.T) {
			var log bytes.Buffer
			f, err := fetcher.NewFeishu(fetcher.FeishuConfig{
				AppID: appID, AppSecret: tokencache.NewSecret(secret), BaseURL: baseURL,
				Logger: slog.New(slog.NewTextHandler(&log, nil)),
			})
			require.NoError(t, err)
			assert.Equal(t, warned, log.Len() > 0)
			assert.Equal(t, warned, f.Unencrypted())
			assertNoSecret(t, log.String())
		})
	}
}

func TestWindowBounds(t *testing.T) {
	for window, good := range map[time.Duration]bool{
		-1: false, 0: true, 1: false, time.Millisecond: true, time.Second: true, 2 * time.Hour: true, 2*time.Hour + 1: false,
	} {
		c := fetcher.FeishuConfig{AppID: appID, AppSecret: tokencache.NewSecret(secret), Window: window}
		_, err := fetcher.NewFeishu(c)
		assert.Equal(t, good, err == nil, "%v", window)
		assert.Equal(t, good, c.Validate() == nil, "%v: Validate and New say the same", window)
	}
}

func TestMaxLifeBounds(t *testing.T) {
	for maxLife, good := range map[time.Duration]bool{
		-1: false, 0: true, time.Second - 1: false, time.Second: true, 24 * time.Hour: true, 24*time.Hour + 1: false,
	} {
		c := fetcher.FeishuConfig{AppID: appID, AppSecret: tokencache.NewSecret(secret), MaxLife: maxLife}
		err := c.Validate()
		if good {
			require.NoError(t, err, "%v", maxLife)
			continue
		}
		assert.EqualError(t, err, "a MaxLife of "+maxLife.String()+": 0, or 1s to 24h0m0s")
	}
}

func TestTransportThatIsNone(t *testing.T) {
	_, err := fetcher.NewFeishu(fetcher.FeishuConfig{AppID: appID, AppSecret: tokencache.NewSecret(secret), Transport: (*http.Transport)(nil)})
	assert.ErrorContains(t, err, "Transport is a nil *http.Transport")
}
