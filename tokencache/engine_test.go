package tokencache_test

import (
	"context"
	"fmt"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/tokencache"
)

func TestSmoke(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := miniredis.NewMiniRedis()
		defer m.Close()
		m.ClockTTL(true)
		n := 0
		f := tokencache.FetchFunc(tokencache.MustCredential(tokencache.CredentialConfig{Issuer: "x", App: "a", Window: 30 * time.Minute}), func(ctx context.Context) (tokencache.Token, error) {
			n++
			time.Sleep(130 * time.Millisecond)
			return tokencache.NewToken(fmt.Sprint("a", n), fmt.Sprint("t", n), 2*time.Hour), nil
		})
		done := make(chan time.Duration)
		const N = 20
		for i := range N {
			go func() {
				time.Sleep(time.Duration(i) * time.Microsecond)
				rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", PoolSize: 100, Dialer: func(context.Context, string, string) (net.Conn, error) { return m.Dial() }})
				defer rdb.Close()
				waits := 0
				c, err := tokencache.New(rdb, tokencache.Config{Observe: func(e tokencache.Event) {
					if i == 0 && e.Kind != tokencache.EventFill {
						t.Log(time.Now().Format("15:04:05.000"), e.Kind, e.Outcome, e.Err, e.Remaining, e.Duration)
					}
					if e.Kind == tokencache.EventWait {
						waits++
					}
				}})
				require.NoError(t, err)
				s := c.Source(f)
				start := time.Now()
				_, err = s.Get(t.Context())
				require.NoError(t, err)
				first := time.Since(start)
				for range 6 * 24 * 60 {
					_, err = s.Get(t.Context())
					require.NoError(t, err)
					time.Sleep(10 * time.Second)
				}
				require.Equal(t, 1, waits)
				c.Close()
				done <- first
			}()
		}
		for range N {
			t.Log(<-done)
		}
		t.Log("calls", n)
		t.Log(m.Dump())
	})
}
