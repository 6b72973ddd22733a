package feishutest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

func TestConnect(t *testing.T) {
	reach(t, feishutest.Config{}, func(t *testing.T, issuer *feishutest.Issuer, do func(*http.Request) (*http.Response, error)) {
		for _, c := range []struct {
			edge, body string
			code       int
		}{
			{"good", `{"AppID":"cli_test","AppSecret":"test-secret"}`, 0},
			{"another secret", `{"AppID":"cli_test","AppSecret":"guess"}`, 1000040345},
			{"another app", `{"AppID":"cli_b","AppSecret":"test-secret"}`, 1000040346},
			{"no JSON", `AppID=cli_test`, 1000040346},
		} {
			t.Run(c.edge, func(t *testing.T) {
				req := newPostTo(t.Context(), t, feishutest.ConnectPath)
				req.Body, req.ContentLength = io.NopCloser(strings.NewReader(c.body)), int64(len(c.body))
				resp, err := do(req)
				require.NoError(t, err)
				defer resp.Body.Close()
				var got struct {
					Code int
					Data *struct {
						URL          string
						ClientConfig struct{ PingInterval int }
					}
				}
				require.NoError(t, json.NewDecoder(resp.Body).Decode(&got))
				assert.Equal(t, http.StatusOK, resp.StatusCode)
				assert.Equal(t, c.code, got.Code)
				require.NotNil(t, got.Data)
				if c.code != 0 {
					assert.Empty(t, got.Data.URL)
					return
				}
				assert.True(t, strings.HasPrefix(got.Data.URL, feishutest.ConnectionURL+"?"), got.Data.URL)
				assert.Contains(t, got.Data.URL, "ticket=")
				assert.Positive(t, got.Data.ClientConfig.PingInterval)
			})
		}
	})
}

func TestResend(t *testing.T) {
	for _, c := range []struct {
		edge, body string
		code       int
	}{
		{"a self-built app", goodRequest, 10016},
		{"another secret", `{"app_id":"cli_test","app_secret":"guess"}`, 10014},
		{"another app", `{"app_id":"cli_b","app_secret":"test-secret"}`, 10003},
		{"no JSON", `app_id=cli_test`, 10003},
	} {
		t.Run(c.edge, func(t *testing.T) {
			issuer := feishutest.New(feishutest.Config{})
			req := newPostTo(t.Context(), t, feishutest.ResendPath)
			req.Body = io.NopCloser(strings.NewReader(c.body))
			resp, err := issuer.RoundTripper().RoundTrip(req)
			require.NoError(t, err)
			defer resp.Body.Close()
			var got answer
			require.NoError(t, json.NewDecoder(resp.Body).Decode(&got))
			assert.Equal(t, http.StatusOK, resp.StatusCode)
			assert.Equal(t, c.code, got.Code)
			assert.Zero(t, issuer.Stats())
		})
	}
}
