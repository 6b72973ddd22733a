package tokencache_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// I3: Redis is far away, but sound. A copy that ends while a fill looks is no reason to ask the
// issuer around Redis, each replica for itself.
func TestI3FarRedisShortLives(t *testing.T) {
	for _, c := range []struct{ trip, life time.Duration }{
		{200 * time.Millisecond, 2 * time.Second},
		{200 * time.Millisecond, 5 * time.Second},
		{200 * time.Millisecond, 10 * time.Second},
		{450 * time.Millisecond, 20 * time.Second},
	} {
		t.Run(fmt.Sprint(c.trip, " ", c.life), func(t *testing.T) {
			shortLived := feishutest.Config{Latency: latency, MintEveryCall: true, Life: c.life, Window: max(time.Second, c.life/4)}
			virtual(t, shortLived, func(t *testing.T, f *fleet) {
				replicas := f.start(5)
				f.redis.Each(func(l *redistest.Link) { l.Delay(c.trip) })
				read(replicas, 20*time.Millisecond, max(10*c.life, time.Minute))
				assert.Zero(t, f.count(tokencache.EventDirectCall, ""))
			})
		})
	}
}
