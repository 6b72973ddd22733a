package tokencache_test

import (
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
