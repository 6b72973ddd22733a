package acceptance_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/redistest"
)

const (
	secretOfApp    = "the-secret-of-the-app-itself"
	secretOfOther  = "the-secret-of-the-other-app"
	secretOfBot    = "the-secret-of-the-client-bot"
	secretOfVendor = "the-secret-of-the-client-vendor" // who may call for the other app alone
	secretOfGuest  = "the-secret-of-the-client-guest"  // who goes
)

// clientBot is a client of the gateway. Ten at once are above the rate of one that states none.
const clientBot = "{name: bot, secret_file: bot, credentials: [crm], rate: 10000}"

// gatewayStage is the lookalike with two apps, a gateway in front of it with three clients, and a tap in
// front of that.
type gatewayStage struct {
	*service
	issuer    *feishutest.Issuer
	url       string // of the gateway, past the tap
	tap       *tap
	redis, at string // of Redis and of the lookalike, for the configuration
}

func newGatewayStage(t *testing.T) *gatewayStage {
	t.Helper()
	s := &gatewayStage{service: newService(t)}
	s.issuer = feishutest.New(feishutest.Config{AppID: "cli_a", AppSecret: secretOfApp, Apps: []feishutest.AppConfig{{ID: "cli_b", Secret: secretOfOther}}})
	server := httptest.NewServer(s.issuer)
	t.Cleanup(server.Close)
	s.redis, s.at = redistest.StartServer(t).Addr(), server.URL
	for name, secret := range map[string]string{"a": secretOfApp, "b": secretOfOther, "bot": secretOfBot, "vendor": secretOfVendor, "guest": secretOfGuest} {
		s.write(name, secret)
	}
	s.configure(clientBot, "{name: vendor, secret_file: vendor, credentials: [erp]}",
		"{name: guest, secret_file: guest, credentials: [crm]}")
	s.url = s.start("gateway")
	s.tap = newTap(t, s.url)
	return s
}

// configure writes a configuration with these clients of the gateway. A service that runs reads it within
// seconds.
func (s *gatewayStage) configure(clients ...string) {
	s.t.Helper()
	s.write("onetoken.yaml", fmt.Sprintf(`
redis: {url: "redis://%s"}
credentials:
  - {name: crm, kind: feishu, app_id: cli_a, app_secret_file: a, base_url: "%[2]s"}
  - {name: erp, kind: feishu, app_id: cli_b, app_secret_file: b, base_url: "%[2]s"}
gateway:
  listen: 127.0.0.1:0
  clients: [%[3]s]
`, s.redis, s.at, strings.Join(clients, ", ")))
}

// calls of the issuer for the app of the bots.
func (s *gatewayStage) calls() int { return s.issuer.App("cli_a").Stats().Calls }

// tokens are all that the issuer has ever minted.
func (s *gatewayStage) tokens() (all []string) {
	for _, pair := range s.issuer.Pairs() {
		all = append(all, pair.App, pair.Tenant)
	}
	return all
}

// Ten processes with the official SDK, unchanged, do what bots do. The issuer is called once for all, and
// once more after each revocation, of which no bot learns; and nothing of what they must not have gets near
// them.
func TestNodeSDKAtTheGateway(t *testing.T) {
	const processes, messages = 10, 50
	s := newGatewayStage(t)
	var crowd []*bot
	for range processes {
		crowd = append(crowd, startBot(t, s.tap.url, "cli_a", secretOfBot))
	}
	all := func(do func(n int, b *bot)) {
		var working sync.WaitGroup
		for n, b := range crowd {
			working.Go(func() { do(n, b) })
		}
		working.Wait()
	}
	file, sum := writeFile(t, 20<<20)

	t.Run("one call of the issuer", func(t *testing.T) {
		all(func(n int, b *bot) {
			for range messages {
				sent := b.do(task{Do: "message", Text: "hello"})
				assert.True(t, sent.OK, "%+v", sent)
				assert.NotEmpty(t, sent.ID)
			}
		})
		sent := crowd[0].do(task{Do: "upload", File: file})
		assert.True(t, sent.OK, "%+v", sent)
		assert.Equal(t, sum, sent.SHA256)
		all(func(n int, b *bot) {
			key := fmt.Sprintf("file_%d", n)
			got := b.do(task{Do: "download", Key: key})
			assert.True(t, got.OK, "%+v", got)
			assert.Equal(t, feishutest.FileSHA256(key), got.SHA256)
			assert.Equal(t, `attachment; filename="file.bin"`, got.Name)
		})
		saved := filepath.Join(t.TempDir(), "saved")
		assert.True(t, crowd[0].do(task{Do: "save", Key: sent.Key, File: saved}).OK)
		assert.Equal(t, feishutest.FileSHA256(sent.Key), sumOf(t, saved))
		assert.Equal(t, 1, s.calls())
	})
	t.Run("a revocation in the middle", func(t *testing.T) {
		small, sum := writeFile(t, 1<<20-1000) // with the rest of the form less than 1 MiB
		all(func(n int, b *bot) {
			for i := range messages {
				if n == 0 && i == messages/2 {
					assert.True(t, s.issuer.App("cli_a").Revoke())
				}
				sent := b.do(task{Do: "message", Text: "hello"})
				assert.True(t, sent.OK, "%+v", sent)
			}
		})
		assert.Equal(t, 2, s.calls())
		for _, what := range []task{{Do: "download", Key: "file_1"}, {Do: "upload", File: small}} {
			require.True(t, s.issuer.App("cli_a").Revoke())
			got := crowd[1].do(what)
			assert.True(t, got.OK, "%+v", got)
			if what.Do == "upload" {
				assert.Equal(t, sum, got.SHA256)
			}
		}
		assert.Equal(t, 4, s.calls())
	})
	t.Run("a revocation before a large upload", func(t *testing.T) {
		direct := startBot(t, s.url, "cli_a", secretOfBot) // past the tap, which would take the whole body in
		for _, b := range []*bot{direct, crowd[0]} {
			require.True(t, s.issuer.App("cli_a").Revoke())
			sent := b.do(task{Do: "upload", File: file})
			assert.Equal(t, done{Status: 400, Code: 99991663, Message: sent.Message}, sent, "the API's own answer")
			sent = b.do(task{Do: "upload", File: file})
			assert.True(t, sent.OK, "%+v", sent)
			assert.Equal(t, sum, sent.SHA256)
		}
		assert.Equal(t, 6, s.calls())
	})
	standIn := string(s.tap.find(regexp.MustCompile(`"tenant_access_token":"(ot1\.[^"]+)"`)))
	require.NotEmpty(t, standIn)
	theirs := []string{secretOfBot, standIn} // which a search that works finds
	notTheirs := append(s.tokens(), secretOfApp)
	require.GreaterOrEqual(t, len(notTheirs), 2*6+1)
	t.Run("what passes", func(t *testing.T) {
		for _, text := range theirs {
			assert.True(t, s.tap.contains(text), "or the search would notice nothing")
		}
		for _, text := range notTheirs {
			assert.False(t, s.tap.contains(text))
		}
	})
	t.Run("what the SDK tells", func(t *testing.T) {
		for _, b := range crowd {
			told := b.told.String()
			assert.Contains(t, told, "client ready")
			for _, text := range notTheirs {
				assert.NotContains(t, told, text)
			}
		}
	})
	t.Run("environment and memory", func(t *testing.T) {
		if runtime.GOOS != "linux" {
			t.Skip("no other system than Linux lets a process' memory be read so easily")
		}
		for _, b := range crowd {
			environment, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", b.process.Pid))
			require.NoError(t, err)
			assert.Contains(t, string(environment), secretOfBot)
			found := searchMemory(t, b.process.Pid, append(notTheirs, theirs...))
			for _, text := range theirs {
				assert.True(t, found[text], "or the search would notice nothing")
			}
			for _, text := range notTheirs {
				assert.False(t, found[text])
				assert.NotContains(t, string(environment), text)
			}
		}
	})
}

// Who may not call is told so as the SDK is told it by the API.
func TestNodeSDKIsRefused(t *testing.T) {
	s := newGatewayStage(t)
	for _, c := range []struct{ edge, appID, secret string }{
		{"a wrong secret", "cli_a", "the-secret-of-nobody"},
		{"another client's secret", "cli_a", secretOfVendor},
		{"the app's own secret", "cli_a", secretOfApp},
		{"an app that there is not", "cli_c", secretOfBot},
	} {
		t.Run(c.edge, func(t *testing.T) {
			got := startBot(t, s.tap.url, c.appID, c.secret).do(task{Do: "message", Text: "hello"})
			assert.False(t, got.OK)
			assert.Contains(t, got.Message, "code: 10014", "%+v", got)
		})
	}
	t.Run("the client is removed", func(t *testing.T) {
		guest, b := startBot(t, s.tap.url, "cli_a", secretOfGuest), startBot(t, s.tap.url, "cli_a", secretOfBot)
		assert.True(t, guest.do(task{Do: "message", Text: "hello"}).OK)
		assert.True(t, b.do(task{Do: "message", Text: "hello"}).OK)
		s.configure(clientBot)
		require.Eventually(t, func() bool { return s.signOn(secretOfGuest) == 10014 }, 30*time.Second, 100*time.Millisecond, "%s", &s.heard)
		got := guest.do(task{Do: "message", Text: "hello"})
		assert.Equal(t, done{Status: 400, Code: 99991663, Message: got.Message}, got)
		assert.True(t, b.do(task{Do: "message", Text: "hello"}).OK)
	})
	assert.Equal(t, 1, s.calls(), "none of these is the issuer's business")
	for _, text := range s.tokens() {
		assert.False(t, s.tap.contains(text))
	}
}

// signOn is the code that the endpoint of the tenant token answers with.
func (s *gatewayStage) signOn(secret string) int {
	body := fmt.Sprintf(`{"app_id":"cli_a","app_secret":%q}`, secret)
	resp, err := http.Post(s.url+feishutest.TenantTokenPath, "application/json", strings.NewReader(body))
	require.NoError(s.t, err)
	defer resp.Body.Close()
	var got struct{ Code int }
	require.NoError(s.t, json.NewDecoder(resp.Body).Decode(&got))
	return got.Code
}

// writeFile writes a file of random bytes, and returns its SHA-256 in hex.
func writeFile(t *testing.T, size int) (path, sum string) {
	t.Helper()
	content := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{byte(size)}).Read(content)
	path = filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, content, 0o600))
	return path, sumOf(t, path)
}

func sumOf(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
