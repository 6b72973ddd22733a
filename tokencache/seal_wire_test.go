package tokencache_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// F50, I5: whatever passes between replicas and Redis, and whatever stands in Redis, has no token
// and no secret, through rotations, rejections, failures, direct calls and put-backs.
func TestF50NothingReadableInRedis(t *testing.T) {
	virtual(t, feishutest.Config{AppSecret: sharpSecret, MintEveryCall: true, Latency: 130 * time.Millisecond}, func(t *testing.T, f *fleet) {
		ctx, tap := t.Context(), &wire{}
		said := &collector{}
		replicas := f.start(3, func(c *replicaConfig) { c.hooks = append(c.hooks, tap) })
		admin := f.redis.Client("admin")
		dump := func() {
			keys, err := admin.Keys(ctx, "*").Result()
			require.NoError(t, err)
			for _, key := range keys {
				_, _ = fmt.Fprintln(said, key, admin.Get(ctx, key).Val(), admin.HGetAll(ctx, key).Val())
			}
		}
		use := func() {
			for range 3 {
				for _, r := range replicas {
					_, _ = r.source.Get(ctx)
				}
				dump()
				time.Sleep(40 * time.Minute)
			}
		}
		use()
		for _, r := range replicas {
			tok := r.mustGet()
			require.NoError(t, r.source.Invalidate(ctx, tok))
			dump()
			_, _ = r.source.Get(ctx)
		}
		use()
		f.issuer.FailNext(2, feishutest.Status(500))
		_, _, _ = replicas[0].source.Refresh(ctx)
		dump()
		use()
		replicas[0].link.Down()
		_, _, err := replicas[0].source.Refresh(ctx)
		require.NoError(t, err, "directly")
		replicas[0].link.Heal()
		time.Sleep(time.Minute)
		require.Positive(t, replicas[0].count(tokencache.EventPutBack, "stored"))
		require.GreaterOrEqual(t, f.stats().Rotations, 6)
		use()

		text := tap.text() + said.text()
		require.Greater(t, len(text), 50_000)
		for _, word := range []string{"sealed", "fingerprint", "EVALSHA", "PUBLISH", ":rejected:", ":failure", "checked_at"} {
			assert.Contains(t, strings.ToLower(text), strings.ToLower(word), "it was there to see")
		}
		for _, pair := range f.issuer.Pairs() {
			assertUnspoken(t, text, pair.App)
			assertUnspoken(t, text, pair.Tenant)
		}
		assertUnspoken(t, text, sharpSecret)
	})
}

// wire is all that passes between replicas and Redis.
type wire struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (w *wire) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := next(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &tapped{conn, w}, nil
	}
}

func (w *wire) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

func (w *wire) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (w *wire) note(p []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.buf.Write(p)
}

func (w *wire) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.String()
}

type tapped struct {
	net.Conn
	wire *wire
}

func (c *tapped) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.wire.note(p[:n])
	return n, err
}

func (c *tapped) Write(p []byte) (int, error) {
	c.wire.note(p)
	return c.Conn.Write(p)
}
