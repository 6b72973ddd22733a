package tokencache_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// beyondProxies are commands that proxies do not pass on, as they choose a server by the key:
// twemproxy, Envoy and predixy each lack some.
var beyondProxies = redistest.Commands("HELLO", "CLIENT", "SELECT", "TIME", "PUBLISH", "SUBSCRIBE", "UNSUBSCRIBE")

// F10: through a proxy that knows only commands with a key there are no events. A cold fleet is
// served by safety polls, a warm one by its timers, and the issuer is asked no more often.
func TestF10ProxyWithoutSubscriptions(t *testing.T) {
	for name, refuse := range map[string]func(*redistest.Link){
		"refuses":  func(l *redistest.Link) { l.Fail("ERR unknown command", beyondProxies) },
		"hangs up": func(l *redistest.Link) { l.DropReplies(-1, redistest.Commands("PUBLISH", "SUBSCRIBE", "UNSUBSCRIBE")) },
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, usual(), func(t *testing.T, f *fleet) {
				replicas := f.start(5)
				f.redis.Each(refuse)
				withinAll(replicas, latency+2*time.Second)
				assert.Equal(t, 1, f.stats().Calls)
				read(replicas, time.Second, 24*time.Hour)
				assert.Equal(t, f.stats().Rotations, f.stats().Calls)
				require.Zero(t, f.count(tokencache.EventDirectCall, ""))
			})
		})
	}
}

// F17: go-redis begins every connection with HELLO. A proxy that hangs up on it is no Redis for
// go-redis: each replica asks the issuer for itself, and the error tells where to look.
func TestF17ProxyThatHangsUpOnHello(t *testing.T) {
	virtual(t, usual(), func(t *testing.T, f *fleet) {
		replicas := f.start(2)
		f.redis.Each(func(l *redistest.Link) { l.DropReplies(-1, redistest.Commands("HELLO")) })
		withinAll(replicas, latency+2*time.Second)
		assert.Equal(t, len(replicas), f.count(tokencache.EventDirectCall, ""))
		late := f.replica()
		late.link.DropReplies(-1, redistest.Commands("HELLO"))
		_, err := late.source.Status(t.Context())
		e, ok := errors.AsType[*tokencache.RedisError](err)
		require.True(t, ok, "%v", err)
		assert.Equal(t, "unreachable", string(e.Trouble))
		assert.ErrorContains(t, err, "whether a proxy in between knows HELLO")
	})
}
