package redistest

import (
	"os"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// go-redis writes a line to stderr for every dial that fails, and here most
// fail on purpose. The log is the process's, so there is no other place.
func init() { logging.Disable() }

// poolSize is above the concurrency of any test. Whoever waits for a connection
// takes a timer that go-redis keeps for the whole process, and the second bubble
// that gets it ends the process: "select on synctest channel from outside bubble".
const poolSize = 1000

// Punctual names the environment variable that has all clients heed the deadline of a ctx,
// if a test does not say otherwise: the cache has another way to use those.
const Punctual = "ONETOKEN_TEST_PUNCTUAL"

// options are a user's own by default, but for what would be two more round
// trips on each new connection, and miniredis does not know.
func options(addr string, mods ...func(*redis.Options)) *redis.Options {
	o := &redis.Options{
		Addr:                     addr,
		PoolSize:                 poolSize,
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		ContextTimeoutEnabled:    os.Getenv(Punctual) != "",
	}
	for _, mod := range mods {
		mod(o)
	}
	return o
}

func newClient(t testing.TB, addr string, mods ...func(*redis.Options)) *redis.Client {
	c := redis.NewClient(options(addr, mods...))
	t.Cleanup(func() { _ = c.Close() })
	return c
}
