package feishutest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

func TestConfig(t *testing.T) {
	t.Run("zero is good", func(t *testing.T) {
		require.NoError(t, feishutest.Config{}.Validate())
		issuer := feishutest.New(feishutest.Config{})
		assert.Equal(t, "cli_test", issuer.AppID())
		assert.Equal(t, "test-secret", issuer.AppSecret())
	})
	t.Run("life is cut to whole seconds", func(t *testing.T) {
		issuer := feishutest.New(feishutest.Config{Life: 20*time.Second + 900*time.Millisecond})
		assert.Equal(t, 20, call(t, issuer).Expire)
	})
	t.Run("window of a short life is a quarter", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			issuer := feishutest.New(feishutest.Config{Life: 20 * time.Second})
			first := call(t, issuer)
			time.Sleep(15 * time.Second)
			assert.Equal(t, first.App, call(t, issuer).App)
			time.Sleep(time.Millisecond)
			assert.NotEqual(t, first.App, call(t, issuer).App)
		})
	})
	t.Run("bounds", func(t *testing.T) {
		for _, test := range []struct {
			config feishutest.Config
			good   bool
		}{
			{feishutest.Config{Life: 2 * time.Hour, Window: 2 * time.Hour}, true},
			{feishutest.Config{Life: 2*time.Hour + time.Second}, false},
			{feishutest.Config{Life: time.Minute, Window: time.Minute}, true},
			{feishutest.Config{Life: time.Minute, Window: time.Minute + 1}, false},
			{feishutest.Config{Life: time.Second, Window: time.Second}, true},
			{feishutest.Config{Life: time.Second}, true},
		} {
			assert.Equal(t, test.good, test.config.Validate() == nil, "life %v, window %v", test.config.Life, test.config.Window)
		}
	})
	t.Run("default window", func(t *testing.T) {
		for life, window := range map[time.Duration]time.Duration{
			2 * time.Hour: 30 * time.Minute, time.Hour: 15 * time.Minute, 20 * time.Second: 5 * time.Second, time.Second: time.Second,
		} {
			assert.Equal(t, window, feishutest.DefaultWindow(life), life)
		}
	})
	t.Run("further apps", func(t *testing.T) {
		for _, test := range []struct {
			edge string
			apps []feishutest.AppConfig
			want string // a part of the complaint; "" for none
		}{
			{"two", []feishutest.AppConfig{{ID: "cli_a"}, {ID: "cli_b", Secret: "s", Life: time.Second}}, ""},
			{"no id", []feishutest.AppConfig{{ID: "cli_a"}, {}}, "Apps[1]: ID is empty"},
			{"one id twice", []feishutest.AppConfig{{ID: "cli_a"}, {ID: "cli_a"}}, "Apps[1]: an ID that"},
			{"the Config's own id", []feishutest.AppConfig{{ID: "cli_test"}}, "Apps[0]: an ID that"},
			{"too long a life", []feishutest.AppConfig{{ID: "cli_a", Life: 3 * time.Hour}}, "Apps[0]: a Life of 3h0m0s"},
			{"a window beyond it", []feishutest.AppConfig{{ID: "cli_a", Life: time.Minute, Window: time.Hour}}, "Apps[0]: a Window of 1h0m0s"},
		} {
			err := feishutest.Config{Apps: test.apps}.Validate()
			if test.want == "" {
				require.NoError(t, err, test.edge)
				continue
			}
			assert.ErrorContains(t, err, test.want, test.edge)
		}
	})
	t.Run("every complaint", func(t *testing.T) {
		bad := feishutest.Config{Life: time.Millisecond, Window: -1, Latency: -1}
		// A life below a second is cut to 0, which is no default any more.
		err := bad.Validate()
		require.Error(t, err)
		for _, field := range []string{"Life", "Window", "Latency"} {
			assert.ErrorContains(t, err, field)
		}
		assert.Panics(t, func() { feishutest.New(bad) })
	})
}
