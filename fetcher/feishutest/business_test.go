package feishutest_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

func TestMessages(t *testing.T) {
	const good = `{"receive_id":"ou_1","msg_type":"text","content":"{\"text\":\"hi\"}"}`
	reach(t, feishutest.Config{}, func(t *testing.T, issuer *feishutest.Issuer, do func(*http.Request) (*http.Response, error)) {
		pair := issuer.Rotate()
		for _, c := range []struct {
			edge   string
			token  string
			body   string
			status int
			want   string
		}{
			{"good", pair.Tenant, good, 200, `"body":{"content":"{\"text\":\"hi\"}"}`},
			{"no token", "", good, 400, `"code":99991661`},
			{"another token", "t-guess", good, 400, `"code":99991663`},
			{"the token is looked at first", "t-guess", "", 400, `"code":99991663`},
			{"to nobody", pair.Tenant, `{"msg_type":"text","content":"{}"}`, 400, `"code":230001`},
			{"of no type", pair.Tenant, `{"receive_id":"ou_1","content":"{}"}`, 400, `"code":230001`},
			{"content that is no JSON", pair.Tenant, `{"receive_id":"ou_1","msg_type":"text","content":"hi"}`, 400, `"code":230001`},
			{"cut off", pair.Tenant, good[:9], 400, `"code":230001`},
		} {
			t.Run(c.edge, func(t *testing.T) {
				req := newGet(t, feishutest.MessagesPath+"?receive_id_type=open_id", c.token)
				req.Method, req.Body = http.MethodPost, io.NopCloser(strings.NewReader(c.body))
				resp, err := do(req)
				require.NoError(t, err)
				defer func() { _ = resp.Body.Close() }()
				body, err := io.ReadAll(resp.Body)
				require.NoError(t, err)
				assert.Equal(t, c.status, resp.StatusCode)
				assert.Contains(t, string(body), c.want)
			})
		}
	})
}

// Of an API that takes app access tokens alone.
func TestLogin(t *testing.T) {
	const good = `{"code":"42"}`
	reach(t, feishutest.Config{}, func(t *testing.T, issuer *feishutest.Issuer, do func(*http.Request) (*http.Response, error)) {
		old, pair := issuer.Rotate(), issuer.Rotate()
		issuer.Revoke(old.App)
		for _, c := range []struct {
			edge   string
			token  string
			body   string
			status int
			want   string
		}{
			{"an app token", pair.App, good, 200, `"open_id":"ou_42"`},
			{"a tenant token, which is valid", pair.Tenant, good, 400, `{"code":99991663,"msg":"tenant access token not support"}`},
			{"a revoked app token", old.App, good, 400, `{"code":99991664,"msg":"invalid app token"}`},
			{"a revoked tenant token", old.Tenant, good, 400, `"code":99991664`},
			{"no token", "", good, 400, `"code":99991661`},
			{"no code", pair.App, `{}`, 400, `"code":99992402`},
			{"no JSON", pair.App, `code=42`, 400, `"code":99992402`},
		} {
			t.Run(c.edge, func(t *testing.T) {
				req := newGet(t, feishutest.LoginPath, c.token)
				req.Method, req.Body = http.MethodPost, io.NopCloser(strings.NewReader(c.body))
				resp, err := do(req)
				require.NoError(t, err)
				defer func() { _ = resp.Body.Close() }()
				body, err := io.ReadAll(resp.Body)
				require.NoError(t, err)
				assert.Equal(t, c.status, resp.StatusCode)
				assert.Contains(t, string(body), c.want)
			})
		}
	})
}
