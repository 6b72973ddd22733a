package fetcher_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/tokencache"
)

func TestMessage(t *testing.T) {
	escaped, err := json.Marshal(secret)
	require.NoError(t, err)
	for _, c := range []struct{ edge, msg, want string }{
		{"as it is", "app secret invalid", "app secret invalid"},
		{"none", "", "app id or app secret is wrong, or the app is disabled"},
		{"Chinese", "应用密钥错误", "应用密钥错误"},
		{"control characters", "a\r\nb\x00c\x1b[31m", "a  b c [31m"},
		{"bidi override", "a\u202eb", "a b"},
		{"blanks around", "\n a \n", "a"},
		{"200 runes", strings.Repeat("长", 200), strings.Repeat("长", 200)},
		{"201 runes", strings.Repeat("长", 201), strings.Repeat("长", 199) + "…"},
		{"the secret", "wrong: " + secret + "!", "wrong: ***!"},
		{"the secret at the cut", strings.Repeat("x", 190) + secret, strings.Repeat("x", 190) + "***"},
		{"the secret in a form", "app_secret=" + url.QueryEscape(secret), "app_secret=***"},
		{"the secret in JSON", `{"app_secret":` + string(escaped) + `}`, `{"app_secret":"***"}`},
	} {
		t.Run(c.edge, func(t *testing.T) {
			body, err := json.Marshal(map[string]any{"code": 10014, "msg": c.msg})
			require.NoError(t, err)
			e := fetchError(t, answering(200, nil, string(body)))
			assert.Equal(t, c.want, e.Message)
			assertNoSecret(t, e.Error())
		})
	}
}

// A secret so short that words may hold it is taken out where it stands alone, and mangles none.
func TestShortSecretManglesNoWord(t *testing.T) {
	for _, c := range []struct{ secret, msg, want string }{
		{"pass", "bypassed: the passport is past", "bypassed: the passport is past"},
		{"pass", `{"app_secret":"pass"}`, `{"app_secret":"***"}`},
		{"pass", "app_secret=pass&x=passé pass", "app_secret=***&x=passé ***"},
		{"a.a=", "a.a=a a.a.a= xa.a=", "a.a=a a.*** xa.a="},
		{"a=a=", "app_secret=a%3Da%3D, a=a=", "app_secret=***, ***"},
		{"secrets", "secrets are no secret, 长secrets, secrets", "*** are no secret, 长secrets, ***"},
		{"passport", "passports", "***s"}, // long enough to be no word by chance
	} {
		f, err := fetcher.NewFeishu(fetcher.FeishuConfig{AppID: appID, AppSecret: tokencache.NewSecret(c.secret), Transport: answering(200, nil, `{"code":10014,"msg":`+strconv.Quote(c.msg)+`}`)})
		require.NoError(t, err)
		_, err = f.Fetch(t.Context())
		e, ok := errors.AsType[*tokencache.IssuerError](err)
		require.True(t, ok)
		assert.Equal(t, c.want, e.Message, c.secret)
	}
}

func TestLogID(t *testing.T) {
	for _, c := range []struct {
		edge   string
		header http.Header
		want   string
	}{
		{"none", http.Header{}, ""},
		{"the issuer's", http.Header{"X-Tt-Logid": {"2024"}, "X-Request-Id": {"r-1"}}, "2024"},
		{"a gateway's", http.Header{"X-Request-Id": {"r-1"}}, "r-1"},
		{"odd characters", http.Header{"X-Tt-Logid": {"20\t24 \x7fü!"}}, "2024!"},
		{"128 bytes", http.Header{"X-Tt-Logid": {strings.Repeat("x", 128)}}, strings.Repeat("x", 128)},
		{"129 bytes", http.Header{"X-Tt-Logid": {strings.Repeat("x", 129)}}, strings.Repeat("x", 128)},
		{"the secret, in pieces", http.Header{"X-Tt-Logid": {secret[:5] + " " + secret[5:]}}, "***"},
	} {
		t.Run(c.edge, func(t *testing.T) {
			e := fetchError(t, answering(500, c.header, ""))
			assert.Equal(t, c.want, e.LogID)
		})
	}
}
