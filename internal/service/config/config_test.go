package config_test

import (
	"context"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/config"
	"github.com/onetoken-go/onetoken/redisurl"
	"github.com/onetoken-go/onetoken/tokencache"
)

func TestLeast(t *testing.T) {
	c := newStage(t).good(empty)
	assert.Empty(t, c.Credentials)
	assert.Empty(t, c.Warnings)
	assert.Zero(t, c.Status)
	assert.Zero(t, c.Tokens)
	assert.Zero(t, c.Gateway)
	local, err := redisurl.Parse(redisurl.Local)
	require.NoError(t, err)
	assert.Equal(t, local.Single.Addr, c.Redis.Target.Single.Addr)
	assert.Nil(t, c.Redis.TLS)
	assert.True(t, c.Redis.Password.IsZero())
}

// The example has every key, and is a good file: it stands in the documentation.
func TestExample(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "onetoken.yaml"))
	require.NoError(t, err)
	s := newStage(t)
	authority := newAuthority(t)
	cert, key := authority.valid()
	for name, text := range map[string]string{
		"redis": password + "\n", "crm": appSecret + "\n", "proxy": "socks5://me:" + password + "@proxy.example:1080\n", "billing": clientSecret + "\n",
		"billing.old": "old-" + clientSecret, "bot": "bot-" + clientSecret, "bot.old": "old-bot-" + clientSecret, "ca.pem": authority.pem(), "tls.pem": cert, "tls.key": key,
	} {
		s.write(name, text)
	}
	s.variables = map[string]string{"M2M_SECRET": appSecret, "ABROAD_SECRET": appSecret}
	text := strings.ReplaceAll(string(raw), "/run/secrets/", "")
	c := s.good(text)
	assert.Empty(t, c.Warnings)

	assert.Equal(t, "redis.example:6379", c.Redis.Target.Single.Addr)
	assert.Equal(t, []string{"onetoken", "onetoken", password}, []string{c.Redis.Prefix, c.Redis.User, c.Redis.Password.Reveal()})
	assert.NotNil(t, c.Redis.TLS.CA)
	assert.NotNil(t, c.Redis.TLS.Certificate)

	require.Len(t, c.Credentials, 3)
	first, second := c.Credentials[0], c.Credentials[1]
	assert.Equal(t, []string{"crm", config.KindFeishu, "cli_a1b2c3d4e5f6g7h8", "https://open.feishu.cn"}, []string{first.Name, first.Kind, first.ID, first.URL})
	assert.Equal(t, []string{"m2m", config.KindOAuth2, "1234567890", "https://idp.example/oauth/token"}, []string{second.Name, second.Kind, second.ID, second.URL})
	assert.Equal(t, []time.Duration{5 * time.Minute, 24 * time.Hour}, []time.Duration{second.Fetcher.Credential().Window(), second.Fetcher.Credential().MaxLife()})

	assert.Equal(t, config.Listener{Listen: "127.0.0.1:8080"}, c.Status)
	assert.Equal(t, "0.0.0.0:8081", c.Tokens.Listen)
	assert.NotNil(t, c.Tokens.TLS.ClientCA)
	assert.NotEmpty(t, c.Tokens.TLS.Certificate.Certificate)
	assert.Equal(t, fs.FileMode(0o660), c.Tokens.SocketMode)
	require.Len(t, c.Tokens.Clients, 3)
	billing, reports, cron := c.Tokens.Clients[0], c.Tokens.Clients[1], c.Tokens.Clients[2]
	assert.Equal(t, []string{clientSecret, "old-" + clientSecret}, []string{billing.Secret.Reveal(), billing.Previous.Reveal()})
	assert.Equal(t, []string{"crm", "m2m"}, billing.Credentials)
	assert.InDelta(t, 50, billing.Rate, 0)
	assert.Equal(t, []string{"reports.example", "spiffe://example/reports"}, reports.SANs)
	assert.Equal(t, []string{config.MayGet}, reports.May)
	assert.InDelta(t, config.DefaultRate, reports.Rate, 0)
	require.NotNil(t, cron.UID)
	assert.Equal(t, uint32(1000), *cron.UID)
	assert.Equal(t, []string{config.MayGet, config.MayReject}, cron.May)

	assert.Equal(t, "127.0.0.1:8082", c.Gateway.Listen)
	assert.NotNil(t, c.Gateway.TLS.ClientCA)
	require.Len(t, c.Gateway.Clients, 2)
	bot, again := c.Gateway.Clients[0], c.Gateway.Clients[1]
	assert.Equal(t, []string{"bot-" + clientSecret, "old-bot-" + clientSecret}, []string{bot.Secret.Reveal(), bot.Previous.Reveal()})
	assert.Equal(t, []string{"crm"}, bot.Credentials)
	assert.Equal(t, []string{config.MayWS, config.MayUserLogin, config.MayUserTokens}, bot.May)
	assert.Equal(t, []string{"bot.example"}, bot.SANs)
	assert.InDelta(t, 50, bot.Rate, 0)
	assert.Equal(t, []string{billing.Name, billing.Secret.Reveal()}, []string{again.Name, again.Secret.Reveal()}, "one program")
	assert.Equal(t, []string{"crm", "abroad"}, again.Credentials)
	assert.Empty(t, again.May)
	assert.InDelta(t, config.DefaultRate, again.Rate, 0)
}

// What a complaint offers as known is what there is: the example shows all of it.
func TestExampleHasEveryKey(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "onetoken.yaml"))
	require.NoError(t, err)
	shown := map[string]bool{}
	for _, key := range regexp.MustCompile(`[a-z_0-9]+`).FindAllString(string(raw), -1) {
		shown[key] = true
	}
	told := newStage(t).told(`
zzz: 1
redis: {zzz: 1, tls: {zzz: 1}}
credentials: [{zzz: 1, kind: feishu}, {zzz: 1, kind: oauth2}]
status: {zzz: 1, listen: ":0", tls: {zzz: 1}}
tokens: {zzz: 1, listen: ":0", clients: [{zzz: 1, cert: {zzz: 1}}]}
gateway: {zzz: 1, listen: ":1", tls: {zzz: 1}, clients: [{zzz: 1, cert: {zzz: 1}}]}
`)
	lists := 0
	for _, complaint := range told {
		_, keys, unknown := strings.Cut(complaint, "a key that is not known here: there ")
		if !unknown {
			continue
		}
		lists++
		for _, key := range regexp.MustCompile(`[a-z_0-9]+`).FindAllString(keys, -1) {
			assert.True(t, shown[key] || key == "are" || key == "is" || key == "and", "%s is not in the example", key)
		}
	}
	assert.Equal(t, 14, lists)
}

// Equal files are equal digests, and no other ones: of the file, of files and variables that it names.
func TestDigest(t *testing.T) {
	s := newStage(t)
	const text = "credentials: [{name: crm, kind: feishu, app_id: cli_1, app_secret_file: app}, {name: b, kind: feishu, app_id: cli_2, app_secret_env: APP}]\n"
	first := s.good(text)
	assert.Equal(t, first.Digest, s.good(text).Digest)
	seen := map[string]string{first.Digest: "as it was"}
	for what, change := range map[string]func(){
		"comment":  func() {},
		"file":     func() { s.write("app", appSecret+"x") },
		"newline":  func() { s.write("app", appSecret) },
		"variable": func() { s.variables["APP"] = appSecret + "x" },
	} {
		s.write("app", appSecret+"\n")
		s.variables["APP"] = appSecret
		change()
		changed := text
		if what == "comment" {
			changed += "# more\n"
		}
		c := s.good(changed)
		assert.Empty(t, seen[c.Digest], "%s", what)
		seen[c.Digest] = what
	}
}

// A secret, or the way to the issuer, makes no other purpose; whatever is asked for does, in any order.
func TestPurpose(t *testing.T) {
	s := newStage(t)
	of := func(credential string) string {
		return s.good("credentials: [{name: crm, " + credential + "}]\n").Credentials[0].Purpose
	}
	s.write("a", "secret-a")
	s.write("b", "secret-b")
	feishu := of("kind: feishu, app_id: cli_1, app_secret_file: a")
	assert.Equal(t, feishu, of("kind: feishu, app_id: cli_1, app_secret_file: b, proxy_url: http://127.0.0.1:1"))
	assert.NotEqual(t, feishu, of("kind: feishu, app_id: cli_2, app_secret_file: a"))
	assert.NotEqual(t, feishu, of("kind: feishu, app_id: cli_1, app_secret_file: a, base_url: https://open.larksuite.com"))
	const client = "kind: oauth2, token_url: https://idp.example/t, client_id: x, client_secret_file: a, "
	oauth2 := of(client + "scopes: [read, write]")
	assert.Equal(t, oauth2, of(client+"scopes: [write, read, read], life: 1h"))
	for _, other := range []string{"scopes: [read]", "scopes: [read], resource: [https://write]", "scopes: [read, write], params: {a: b}", "scopes: [read, write], audience: x"} {
		assert.NotEqual(t, oauth2, of(client+other), other)
	}
}

// Only what makes a credential is in its revision.
func TestRevision(t *testing.T) {
	s := newStage(t)
	s.write("ca", newAuthority(t).pem())
	s.write("other", newAuthority(t).pem())
	of := func(keys string) string {
		t.Helper()
		return s.good("credentials: [{name: crm, kind: feishu, app_id: cli_1, " + keys + "}]\n").Credentials[0].Revision
	}
	plain := of("app_secret_file: app")
	assert.Equal(t, plain, of("app_secret_env: APP"), "the same secret")
	assert.Equal(t, plain, of("app_secret_file: app, base_url: 'https://OPEN.feishu.cn/'"), "the same address")
	s.write("fresh", appSecret+"-2")
	seen := map[string]string{plain: "plain"}
	for _, keys := range []string{
		"app_secret_file: fresh", "app_secret_file: app, window: 10m", "app_secret_file: app, max_life: 1h", "app_secret_file: app, disabled: true",
		"app_secret_file: app, proxy_url: 'http://p:1'", "app_secret_file: app, ca_file: ca", "app_secret_file: app, ca_file: other",
		"app_secret_file: app, base_url: 'https://open.larksuite.com'",
	} {
		revision := of(keys)
		assert.Empty(t, seen[revision], "%s", keys)
		seen[revision] = keys
	}
}

// What needs a restart is told from what does not.
func TestRestart(t *testing.T) {
	s := newStage(t)
	cert, key := newAuthority(t).valid()
	s.write("cert", cert)
	s.write("key", key)
	s.write("url", "redis://h:1")
	of := func(redis string) string {
		t.Helper()
		return s.good(empty + "redis: {" + redis + "}\n").Redis.Restart
	}
	const keys = "url_file: url, user: me, password_file: password, tls: {cert_file: cert, key_file: key}"
	first := of(keys)
	s.write("password", "another")
	cert, key = newAuthority(t).valid()
	s.write("cert", cert)
	s.write("key", key)
	assert.Equal(t, first, of(keys), "neither passwords nor certificates")
	assert.Equal(t, first, of("url: 'redis://h:1', user: me, password_env: PASSWORD, tls: {}"))
	seen := map[string]bool{first: true}
	for _, keys := range []string{
		"url: 'redis://h:2', user: me, password_file: password, tls: {}", "url_file: url, user: you, password_file: password, tls: {}",
		"url_file: url, user: me, password_file: password", "url_file: url, user: me, password_file: password, tls: {}, prefix: x",
	} {
		restart := of(keys)
		assert.False(t, seen[restart], "%s", keys)
		seen[restart] = true
	}
}

// Credentials mean the same one if they say the same.
func TestOneCredentialTwice(t *testing.T) {
	c := newStage(t).good(`credentials:
  - {name: a, kind: feishu, app_id: cli_1, app_secret_file: app}
  - {name: b, kind: feishu, app_id: cli_1, app_secret_env: APP, base_url: https://open.feishu.cn}
`)
	assert.Same(t, c.Credentials[0].API, c.Credentials[1].API, "one way")
	assert.True(t, c.Credentials[0].Fetcher.Credential().Equal(c.Credentials[1].Fetcher.Credential()))
	assert.NotEqual(t, c.Credentials[0].Revision, c.Credentials[1].Revision, "the name counts")
}

func TestRejectsSecret(t *testing.T) {
	s := newStage(t)
	c := s.good(`credentials:
  - {name: a, kind: feishu, app_id: cli_1, app_secret_file: app}
  - {name: b, kind: oauth2, token_url: https://idp.example/t, client_id: x, client_secret_file: app}
`)
	assert.True(t, c.Credentials[0].RejectsSecret(&tokencache.IssuerError{Issuer: "feishu", Code: 10014}))
	assert.False(t, c.Credentials[0].RejectsSecret(&tokencache.IssuerError{Issuer: "feishu", Code: 99991401}))
	assert.True(t, c.Credentials[1].RejectsSecret(&tokencache.IssuerError{Issuer: "oauth2", Status: http.StatusUnauthorized, Message: "invalid_client"}))
	assert.False(t, c.Credentials[1].RejectsSecret(context.Canceled))
}
