// Package e2e runs the binary as a user's fleet would: real processes, a real
// redis-server, and an issuer on loopback that keeps the count.
package e2e

import (
	"bytes"
	"context"
	"errors"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/built"
	"github.com/onetoken-go/onetoken/internal/redistest"
)

var binary string

func TestMain(m *testing.M) { os.Exit(built.Run(m, "../..", &binary)) }

// world is what the processes of one test meet.
type world struct {
	t      *testing.T
	issuer *feishutest.Issuer
	server *httptest.Server
	redis  *redistest.Server
	env    map[string]string

	arrived atomic.Pointer[func()] // told of requests for a token; see onRequest
}

const secret = "s3cr3t/app+secret=="

func newWorld(t *testing.T, c feishutest.Config) *world {
	t.Helper()
	t.Parallel()
	w := &world{t: t, redis: redistest.StartServer(t)}
	c.AppID, c.AppSecret, c.OnRequest = "cli_e2e", secret, w.requested
	w.issuer = feishutest.New(c)
	w.server = httptest.NewServer(w.issuer)
	t.Cleanup(func() {
		w.server.CloseClientConnections()
		w.server.Close()
	})
	w.env = map[string]string{
		"REDIS_URL":         w.redis.URL(),
		"FEISHU_APP_ID":     c.AppID,
		"FEISHU_APP_SECRET": c.AppSecret,
		"FEISHU_BASE_URL":   w.server.URL,
	}
	return w
}

func (w *world) requested() {
	if f := w.arrived.Load(); f != nil {
		(*f)()
	}
}

// result is what became of a process.
type result struct {
	stdout, stderr string
	code           int
	took           time.Duration
}

// command prepares a process that sees nothing of the environment of the tests
// but where temporary files go.
func (w *world) command(args ...string) (*exec.Cmd, *bytes.Buffer, *bytes.Buffer) {
	cmd := exec.Command(binary, args...)
	cmd.Env = []string{"HOME=" + w.t.TempDir()}
	for _, name := range []string{"SYSTEMROOT", "TMPDIR", "TEMP"} {
		if value, ok := os.LookupEnv(name); ok {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	for name, value := range w.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	return cmd, &stdout, &stderr
}

func (w *world) run(args ...string) result {
	return w.await(w.command(args...))
}

func (w *world) await(cmd *exec.Cmd, stdout, stderr *bytes.Buffer) result {
	start := time.Now()
	err := cmd.Run()
	r := result{stdout: stdout.String(), stderr: stderr.String(), took: time.Since(start)}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		r.code = exit.ExitCode()
	default:
		assert.NoError(w.t, err)
	}
	return r
}

// many runs n processes at once.
func (w *world) many(n int, args ...string) []result {
	results := make([]result, n)
	var wg sync.WaitGroup
	for i := range results {
		wg.Go(func() { results[i] = w.run(args...) })
	}
	wg.Wait()
	return results
}

// tokens checks that all printed one token and nothing else, and returns it.
func (w *world) tokens(results []result) string {
	w.t.Helper()
	for _, r := range results {
		require.Zero(w.t, r.code, r.stderr)
		require.Equal(w.t, results[0].stdout, r.stdout)
		require.Empty(w.t, r.stderr)
	}
	token, ok := strings.CutSuffix(results[0].stdout, "\n")
	require.True(w.t, ok)
	require.True(w.t, w.issuer.Valid(token), "the issuer accepts what was printed")
	return token
}

func (w *world) client() *redis.Client { return w.redis.Client(w.t) }

func (w *world) keys(kind string) []string {
	w.t.Helper()
	keys, err := w.client().Keys(context.Background(), "onetoken:{*}:"+kind+"*").Result()
	require.NoError(w.t, err)
	return keys
}

func (w *world) tokenKey() string {
	w.t.Helper()
	keys := w.keys("token")
	require.Len(w.t, keys, 1)
	return keys[0]
}

func (w *world) ttl() time.Duration {
	w.t.Helper()
	ttl, err := w.client().TTL(context.Background(), w.tokenKey()).Result()
	require.NoError(w.t, err)
	return ttl
}

func TestForty(t *testing.T) {
	w := newWorld(t, feishutest.Config{Latency: 300 * time.Millisecond})
	w.tokens(w.many(40, "token"))
	assert.Equal(t, 1, w.issuer.Stats().Calls)

	w.tokens(w.many(10, "token"))
	assert.Equal(t, 1, w.issuer.Stats().Calls, "warm: nobody asks")

	tenant := w.tokens(w.many(1, "token", "--kind", "tenant"))
	app := w.tokens(w.many(1, "token", "--kind", "app"))
	assert.NotEqual(t, tenant, app)
	assert.Empty(t, w.keys("lock"))
}

func TestFortyWithATokenHalfGone(t *testing.T) {
	w := newWorld(t, feishutest.Config{Latency: 300 * time.Millisecond})
	w.issuer.SetRemaining(4567 * time.Second)
	w.tokens(w.many(40, "token"))
	assert.Equal(t, 1, w.issuer.Stats().Calls)
	assert.InDelta(t, 4567, w.ttl().Seconds(), 20)
	assert.LessOrEqual(t, w.ttl(), 4567*time.Second)
}

func TestTTLIsExpire(t *testing.T) {
	for _, life := range []time.Duration{2 * time.Hour, time.Hour} {
		t.Run(life.String(), func(t *testing.T) {
			w := newWorld(t, feishutest.Config{Life: life})
			w.tokens(w.many(1, "token"))
			pttl, err := w.client().PTTL(t.Context(), w.tokenKey()).Result()
			require.NoError(t, err)
			assert.LessOrEqual(t, pttl, life)
			// What has gone by since is what the process took to end.
			assert.Greater(t, pttl, life-2*time.Second)
		})
	}
}

func TestWrongSecret(t *testing.T) {
	w := newWorld(t, feishutest.Config{Latency: 100 * time.Millisecond})
	const password = "redis-p4ss/word+=="
	w.redis.Exec("CONFIG", "SET", "requirepass", password)
	wrong := "wr0ng/" + secret
	w.env["REDIS_URL"] = "redis://:" + escaped(password) + "@" + w.redis.Addr()
	w.env["FEISHU_APP_SECRET"] = wrong

	for _, r := range w.many(20, "token", "--log-level", "debug") {
		assert.Equal(t, 3, r.code, r.stderr)
		assert.Empty(t, r.stdout)
		assert.Contains(t, r.stderr, "10014")
		assert.Contains(t, r.stderr, "log id")
		assertNone(t, r.stdout+r.stderr, secret, wrong, password)
	}
	assert.Equal(t, 1, w.issuer.Stats().Refused)
	assert.Zero(t, w.issuer.Stats().Calls)
}

func TestForeignValues(t *testing.T) {
	ctx := context.Background()
	for name, spoil := range map[string]func(t *testing.T, c *redis.Client, key string){
		"PERSIST": func(t *testing.T, c *redis.Client, key string) { require.NoError(t, c.Persist(ctx, key).Err()) },
		"EXPIRE beyond life": func(t *testing.T, c *redis.Client, key string) {
			require.NoError(t, c.Expire(ctx, key, 9*time.Hour).Err())
		},
		"garbled token": func(t *testing.T, c *redis.Client, key string) {
			require.NoError(t, c.HSet(ctx, key, "sealed", "garbled").Err())
		},
		"garbled life": func(t *testing.T, c *redis.Client, key string) {
			require.NoError(t, c.HSet(ctx, key, "life", "x").Err())
		},
		"missing field": func(t *testing.T, c *redis.Client, key string) { require.NoError(t, c.HDel(ctx, key, "life").Err()) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, feishutest.Config{})
			w.tokens(w.many(1, "token"))
			spoil(t, w.client(), w.tokenKey())
			w.tokens(w.many(3, "token"))
			assert.LessOrEqual(t, w.issuer.Stats().Calls, 2)
			assert.Positive(t, w.ttl(), "mended")
			assert.LessOrEqual(t, w.ttl(), 2*time.Hour)
		})
	}
}

func TestListOnOurKey(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, feishutest.Config{})
	w.tokens(w.many(1, "token"))
	key, c := w.tokenKey(), w.client()
	require.NoError(t, c.Del(ctx, key).Err())
	require.NoError(t, c.RPush(ctx, key, "theirs").Err())

	r := w.run("token")
	assert.Zero(t, r.code, r.stderr)
	assert.True(t, w.issuer.Valid(strings.TrimSpace(r.stdout)))
	assert.Contains(t, r.stderr, "WRONGTYPE")
	assert.Contains(t, r.stderr, key)
	assert.Equal(t, 2, w.issuer.Stats().Calls)
	assert.Equal(t, []string{"theirs"}, c.LRange(ctx, key, 0, -1).Val(), "nothing of theirs is deleted")
}

func TestRedisInTrouble(t *testing.T) {
	for name, trouble := range map[string]func(w *world, p *redistest.Proxy){
		"refused":              func(_ *world, p *redistest.Proxy) { p.Refuse(true) },
		"accepting but silent": func(_ *world, p *redistest.Proxy) { p.Silence(true) },
		"silent from the first look on": func(_ *world, p *redistest.Proxy) {
			p.Hold(redistest.Commands("EVALSHA"))
		},
		"silent from the lock on": func(w *world, p *redistest.Proxy) {
			w.tokens(w.many(1, "token")) // a record that is of no use: the lock is tried for after the look
			require.NoError(w.t, w.client().HSet(context.Background(), w.tokenKey(), "life", "x").Err())
			p.Hold(func(name string, args []string) bool { return isScript(name) && len(args) > 2 && args[1] == "1" })
		},
		"silent while the issuer is asked": func(w *world, p *redistest.Proxy) {
			w.issuer.SetLatency(200 * time.Millisecond)
			w.onRequest(func() { p.Silence(true) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, feishutest.Config{})
			p := redistest.NewProxy(t, w.redis.Addr())
			w.env["REDIS_URL"] = "redis://" + p.Addr()
			trouble(w, p)

			r := w.run("token")
			assert.Zero(t, r.code, r.stderr)
			assert.True(t, w.issuer.Valid(strings.TrimSpace(r.stdout)))
			assert.Less(t, r.took, 5*time.Second)
			assert.Contains(t, strings.ToLower(r.stderr), "redis", "and says so")
			t.Logf("took %v; %s", r.took.Round(time.Millisecond), strings.TrimSpace(r.stderr))

			w.server.CloseClientConnections()
			w.server.Listener.Close()
			if name == "silent while the issuer is asked" {
				return // with a token in Redis, the issuer is not missed
			}
			r = w.run("token")
			assert.Equal(t, 1, r.code, r.stderr)
			assert.Empty(t, r.stdout)
			assert.Less(t, r.took, 15*time.Second)
			t.Logf("issuer gone too: took %v; %s", r.took.Round(time.Millisecond), strings.TrimSpace(r.stderr))
		})
	}
}

func isScript(name string) bool { return name == "EVALSHA" || name == "EVAL" }

// onRequest has f called from now on when the issuer gets a request for a token.
func (w *world) onRequest(f func()) { w.arrived.Store(&f) }
