package fetcher_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/tokencache"
)

// Spellings of one address are one credential; other addresses are others.
func TestBaseURL(t *testing.T) {
	for _, c := range []struct{ edge, given, same string }{
		{"default", "", fetcher.FeishuURL},
		{"trailing slashes", "https://open.feishu.cn///", fetcher.FeishuURL},
		{"capitals", "HTTPS://Open.Feishu.CN", fetcher.FeishuURL},
		{"default port", "https://open.feishu.cn:443/", fetcher.FeishuURL},
		{"empty port", "https://open.feishu.cn:", fetcher.FeishuURL},
		{"default port of http", "http://LOCALHOST:80", "http://localhost"},
		{"port of the other scheme stays", "http://localhost:443", "http://localhost:443"},
		{"IPv6", "http://[::1]:80/", "http://[::1]"},
		{"IPv6 with port", "http://[::1]:8080/", "http://[::1]:8080"},
		{"path stays, slashes go", "https://gw.example/Feishu/", "https://gw.example/Feishu"},
		{"a path like that of an API", "https://gw.example/open-apis-of-feishu/", "https://gw.example/open-apis-of-feishu"},
		{"escaped path", "https://gw.example/a%2Fb/", "https://gw.example/a%2Fb"},
		{"zeros before the default port", "https://open.feishu.cn:0443", fetcher.FeishuURL},
		{"zeros before another port", "https://gw.example:008443", "https://gw.example:8443"},
		{"a dot after the host", "https://open.feishu.cn.", fetcher.FeishuURL},
		{"dot, port and slash", "https://OPEN.feishu.cn.:443/", fetcher.FeishuURL},
		{"IPv6 in full", "http://[0:0:0:0:0:0:0:1]:8080", "http://[::1]:8080"},
		{"escaped letters", "https://gw.example/%66eishu%2d1", "https://gw.example/feishu-1"},
		{"escapes in lower case", "https://gw.example/a%2fb", "https://gw.example/a%2Fb"},
		{"letters outside of ASCII in the path", "https://gw.example/\u98de\u4e66", "https://gw.example/%e9%a3%9e%e4%b9%a6"},
	} {
		t.Run(c.edge, func(t *testing.T) {
			assert.Equal(t, digestAt(t, c.same), digestAt(t, c.given))
		})
	}
	others := map[string]string{}
	for _, other := range []string{
		fetcher.FeishuURL, fetcher.LarkURL, "http://open.feishu.cn", "https://open.feishu.cn:8443", "https://gw.example", "https://gw.example/feishu",
		"https://gw.example/Feishu", "https://gw.example/a%2Fb", "https://gw.example/a/b", "http://localhost", "http://127.0.0.1",
	} {
		digest := digestAt(t, other)
		assert.Empty(t, others[digest], other)
		others[digest] = other
	}
}

// Whoever calls business APIs needs the base URL as well, and not as it was typed.
func TestBaseURLIsToldInOneSpelling(t *testing.T) {
	for given, want := range map[string][2]string{
		"":                            {fetcher.FeishuURL, fetcher.FeishuURL},
		"https://open.feishu.cn/":     {fetcher.FeishuURL, fetcher.FeishuURL},
		"HTTPS://Open.Larksuite.com/": {fetcher.LarkURL, fetcher.LarkURL},
		"http://[::1]:8080//":         {"http://[::1]:8080", "http://[::1]:8080"},
		"https://gw.example/Feishu/":  {"https://gw.example/Feishu", "https://gw.example"},
	} {
		f, err := fetcher.NewFeishu(fetcher.FeishuConfig{AppID: appID, AppSecret: tokencache.NewSecret(secret), BaseURL: given})
		require.NoError(t, err)
		assert.Equal(t, want, [2]string{f.BaseURL(), f.Origin()}, given)
	}
}

func TestBaseURLRefused(t *testing.T) {
	for _, c := range []struct{ edge, given, complaint string }{
		{"no scheme", "open.feishu.cn", "https://"},
		{"user without scheme", "user:hunter2@open.feishu.cn", "https://"},
		{"another scheme", "redis://open.feishu.cn", "https://"},
		{"no host", "https://", "no host"},
		{"port alone", "https://:443", "no host"},
		{"opaque", "https:open.feishu.cn", "no host"},
		{"password", "https://user:hunter2@open.feishu.cn", "password"},
		{"user", "https://hunter2@open.feishu.cn", "password"},
		{"password that does not parse", "https://user:hunter2%zz@open.feishu.cn", "not a URL"},
		{"query", "https://open.feishu.cn?token=hunter2", "query"},
		{"empty query", "https://open.feishu.cn?", "query"},
		{"fragment", "https://open.feishu.cn#hunter2", "fragment"},
		{"empty fragment", "https://open.feishu.cn/#", "fragment"},
		{"port 0", "https://open.feishu.cn:0", "port"},
		{"port 65536", "https://open.feishu.cn:65536", "port"},
		{"port of letters", "https://open.feishu.cn:hunter2", "not a URL"},
		{"control character", "https://open.feishu.cn\n", "BaseURL: its last character is a newline"},
		{"space before", " https://open.feishu.cn", "BaseURL: its first character is a space"},
		{"byte order mark", "\ufeffhttps://open.feishu.cn", "BaseURL: its first character is a byte order mark"},
		{"text after", "https://open.feishu.cn # hunter2", "BaseURL: its character 23 is a space"},
		{"a host of letters outside of ASCII", "https://B\u00fccher.example/", "punycode"},
		{"dots alone", "https://./", "no host"},
		{"two slashes in the path", "https://gw.example//feishu", "path with //"},
		{"two slashes further on", "https://gw.example/a//b/", "path with //"},
		{"a dot in the path", "https://gw.example/./feishu", "path with //"},
		{"two dots in the path", "https://gw.example/a/..", "path with //"},
		{"two dots, escaped", "https://gw.example/a/%2e%2E/b", "path with //"},
		{"path of the endpoint", "https://open.feishu.cn/open-apis/auth/v3/app_access_token/internal", "leave out /open-apis"},
		{"path of every API", "https://gw.example/feishu/open-apis", "leave out /open-apis"},
	} {
		t.Run(c.edge, func(t *testing.T) {
			_, err := fetcher.NewFeishu(fetcher.FeishuConfig{AppID: appID, AppSecret: tokencache.NewSecret(secret), BaseURL: c.given})
			require.ErrorContains(t, err, c.complaint)
			assert.NotContains(t, err.Error(), "hunter2")
		})
	}
}

func digestAt(t *testing.T, baseURL string) string {
	t.Helper()
	f, err := fetcher.NewFeishu(fetcher.FeishuConfig{AppID: appID, AppSecret: tokencache.NewSecret(secret), BaseURL: baseURL})
	require.NoError(t, err)
	return f.Credential().ID()
}
