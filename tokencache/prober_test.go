package tokencache_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// F15: a proxy in between hangs up on whoever subscribes. After an outage Redis is asked again all the same.
func TestF15BackBehindAProxyWithoutSubscribe(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		link := f.redis.Link("proxy")
		o := *f.redis.Client("proxy").Options()
		dial := o.Dialer
		o.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := dial(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return hangUp{conn}, nil
		}
		rdb := redis.NewClient(&o)
		t.Cleanup(func() { _ = rdb.Close() })
		direct := 0
		cache, err := tokencache.New(rdb, tokencache.Config{Logger: slog.New(slog.DiscardHandler), Observe: func(e tokencache.Event) {
			if e.Kind == tokencache.EventDirectCall {
				direct++
			}
		}})
		require.NoError(t, err)
		t.Cleanup(func() { _ = cache.Close() })
		s := cache.Source(tokencache.FetchFunc(tokencache.MustCredential(tokencache.CredentialConfig{Issuer: "x", App: "y"}), func(context.Context) (tokencache.Token, error) {
			return tokencache.NewToken(time.Now().String(), "", 2*time.Hour), nil
		}))
		_, err = s.Get(t.Context())
		require.NoError(t, err)
		link.Down()
		_, _, err = s.Refresh(t.Context())
		require.NoError(t, err)
		link.Heal()
		time.Sleep(time.Minute)
		synctest.Wait()
		direct = 0
		_, _, err = s.Refresh(t.Context())
		assert.NoError(t, err)
		synctest.Wait()
		assert.Zero(t, direct, "redis answers: %v", link.Counts())
	})
}

// F15: Redis is far away, and was silent for a moment. A new connection takes several round
// trips, which together may last longer than a RedisTimeout.
func TestF15BackFromFarAway(t *testing.T) {
	for _, trip := range []time.Duration{250 * time.Millisecond, 600 * time.Millisecond, 900 * time.Millisecond} {
		t.Run(trip.String(), func(t *testing.T) {
			virtual(t, usual(), func(t *testing.T, f *fleet) {
				r := f.replica(func(c *replicaConfig) { // one that heeds deadlines would get no connection in time
					c.redis = append(c.redis, func(o *redis.Options) { o.ContextTimeoutEnabled = false })
				})
				r.mustGet()
				r.link.Down()
				_, _, err := r.source.Refresh(t.Context())
				require.NoError(t, err)
				r.link.Heal()
				r.link.Delay(trip)
				time.Sleep(time.Minute)
				assert.Positive(t, r.count(tokencache.EventRecovered, ""), "%v", r.link.Counts())
				f.nothingLeft()
			})
		})
	}
}

// A proxy in front of Redis hangs up on whoever subscribes. When it was silent for a while,
// commands are answered again afterwards, and that counts.
func TestRedisIsBackThoughItHangsUpOnSubscribers(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		r := f.replica()
		defer r.link.DropReplies(1<<30, redistest.Commands("SUBSCRIBE"))()
		r.mustGet()
		r.link.Silence(true)
		_, _, err := r.source.Refresh(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, r.count(tokencache.EventDirectCall, ""))
		time.Sleep(10 * time.Second)
		r.link.Silence(false)
		time.Sleep(10 * time.Second)
		assert.Equal(t, 1, r.count(tokencache.EventRecovered, ""))
		_, _, err = r.source.Refresh(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 1, r.count(tokencache.EventDirectCall, ""), "the other was through Redis")
	})
}

// hangUp is a connection to a proxy that knows no SUBSCRIBE and hangs up on it, as twemproxy does.
type hangUp struct{ net.Conn }

func (c hangUp) Write(b []byte) (int, error) {
	if bytes.Contains(bytes.ToUpper(b), []byte("\r\nSUBSCRIBE\r\n")) {
		_ = c.Conn.Close()
	}
	return c.Conn.Write(b)
}
