package e2e

import (
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/redistest"
)

// fleet is how many processes meet.
const fleet = 6

// F22: the forms of REDIS_URL, against what they are for.
func TestF22FormsOfRedisURL(t *testing.T) {
	for name, start := range map[string]func(t *testing.T, w *world) string{
		"cluster=true": func(t *testing.T, _ *world) string {
			return "redis://" + redistest.StartCluster(t).Addrs()[1] + "?cluster=true"
		},
		"addr=": func(t *testing.T, _ *world) string {
			return severalAddrs("redis", redistest.StartCluster(t).Addrs(), url.Values{})
		},
		"master_name=": func(t *testing.T, _ *world) string {
			return severalAddrs("redis", redistest.StartSentinel(t).Addrs(), url.Values{"master_name": {redistest.MasterName}})
		},
		"rediss://": func(t *testing.T, w *world) string {
			server := redistest.StartTLSServer(t, "--tls-auth-clients", "no")
			w.trust(server)
			return server.URL()
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, feishutest.Config{Latency: 300 * time.Millisecond})
			w.env["REDIS_URL"] = start(t, w)
			w.tokens(w.many(fleet, "token"))
			w.tokens(w.many(1, "token"))
			assert.Equal(t, 1, w.issuer.Stats().Calls)
			r := w.run("status", "--json")
			assert.Zero(t, r.code, r.stderr)
			assert.Equal(t, 1, strings.Count(r.stdout, `"app_id":"cli_e2e"`), r.stdout)
			assert.Empty(t, r.stderr)
		})
	}
}

// F17: the server wants a certificate, and nothing in REDIS_URL can name one. The
// token comes from the issuer, with a word on why.
func TestF17CertificateWanted(t *testing.T) {
	w := newWorld(t, feishutest.Config{})
	server := redistest.StartTLSServer(t)
	w.trust(server)
	w.env["REDIS_URL"] = server.URL()
	r := w.run("token")
	assert.Zero(t, r.code, r.stderr)
	assert.True(t, w.issuer.Valid(strings.TrimSpace(r.stdout)))
	assert.Contains(t, r.stderr, "redis tls: ")
	assert.Contains(t, r.stderr, "certificate required")
}

// F22: the primary dies while a process asks the issuer. It prints its token, and soon
// there is one to share again.
func TestF22PrimaryDiesUnderACommand(t *testing.T) {
	w := newWorld(t, feishutest.Config{Latency: time.Second})
	sentinel := redistest.StartSentinel(t)
	w.env["REDIS_URL"] = severalAddrs("redis", sentinel.Addrs(), url.Values{"master_name": {redistest.MasterName}})
	w.onRequest(func() { sentinel.Primary().Kill() })
	r := w.run("token")
	assert.Zero(t, r.code, r.stderr)
	assert.True(t, w.issuer.Valid(strings.TrimSpace(r.stdout)))

	w.onRequest(func() {})
	require.Eventually(t, func() bool { return w.run("token").stderr == "" }, 20*time.Second, 100*time.Millisecond, "shared by the successor")
	calls := w.issuer.Stats().Calls
	w.tokens(w.many(fleet, "token"))
	assert.Equal(t, calls, w.issuer.Stats().Calls)
}

// severalAddrs is a URL with the first address as its host, and the others after it.
func severalAddrs(scheme string, addrs []string, options url.Values) string {
	options["addr"] = addrs[1:]
	return scheme + "://" + addrs[0] + "?" + options.Encode()
}

// trust has the processes take the server's authority for one of the system's.
func (w *world) trust(server *redistest.TLSServer) {
	if runtime.GOOS != "linux" {
		w.t.Skip("only there a variable names the authorities")
	}
	w.env["SSL_CERT_FILE"] = server.CAFile()
}
