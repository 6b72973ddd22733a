package redistest_test

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
)

// A shape gives every message its time, both ways, and keeps their order. A client
// does not wait for its requests to be on their way.
func TestLinkShape(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := redistest.NewBubble(t)
		var requests, arriving, arrived []string
		b.Link("a").Shape(redistest.Shape{
			Request: func(name string, _ []string, _ time.Duration) time.Duration {
				requests = append(requests, name)
				return 3 * time.Second
			},
			Reply: func([]string, time.Duration) time.Duration { return time.Second },
			Arriving: func(words []string) {
				assert.Len(t, arriving, len(arrived))
				arriving = append(arriving, strings.Join(words, " "))
			},
			Arrived: func(words []string) { arrived = append(arrived, strings.Join(words, " ")) },
		})
		rdb := b.Client("a", once, func(o *redis.Options) { o.ReadTimeout = time.Minute })
		begin := time.Now()
		require.NoError(t, set(rdb, "k"))
		assert.Equal(t, 8*time.Second, time.Since(begin), "HELLO and SET, there and back")
		synctest.Wait()
		assert.Equal(t, []string{"HELLO", "SET"}, requests)
		assert.Len(t, arrived, 2)
		assert.Equal(t, arrived, arriving)
		require.NoError(t, set(b.Client("b", once), "k"), "others have no shape")
		assert.Equal(t, 8*time.Second, time.Since(begin))
	})
}

// What a shape rewrites is what the server has, and the client.
func TestLinkShapeRewrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := redistest.NewBubble(t)
		var sent []string
		b.Link("a").Shape(redistest.Shape{
			Request: func(_ string, args []string, _ time.Duration) time.Duration {
				sent = append(sent, strings.Join(args, " "))
				return 0
			},
			Rewrite: func(raw []byte, request bool) []byte {
				if request {
					return bytes.ReplaceAll(raw, []byte("$4\r\nmine\r\n"), []byte("$5\r\nyours\r\n"))
				}
				return bytes.ReplaceAll(raw, []byte("yours"), []byte("again"))
			},
		})
		rdb := b.Client("a", once)
		require.NoError(t, rdb.Set(t.Context(), "k", "mine", 0).Err())
		assert.Contains(t, sent, "k yours")
		assert.Equal(t, "yours", b.Admin().Get(t.Context(), "k").Val())
		assert.Equal(t, "again", rdb.Get(t.Context(), "k").Val())
	})
}

// What a client has sent arrives, though it hangs up; what a cut meets does not.
func TestLinkShapeLateRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := redistest.NewBubble(t)
		delay := time.Duration(0)
		b.Link("a").Shape(redistest.Shape{Request: func(string, []string, time.Duration) time.Duration { return delay }})
		rdb := b.Client("a", once, func(o *redis.Options) { o.ReadTimeout = time.Second })
		require.NoError(t, set(rdb, "k"))

		delay = 5 * time.Second
		require.Error(t, set(rdb, "late"))
		time.Sleep(5 * time.Second)
		assert.True(t, b.Server().Exists("late"))

		delay = 0
		require.NoError(t, set(rdb, "k"))
		delay = 5 * time.Second
		require.Error(t, set(rdb, "cut"))
		b.Link("a").Cut()
		time.Sleep(5 * time.Second)
		assert.False(t, b.Server().Exists("cut"))
	})
}
