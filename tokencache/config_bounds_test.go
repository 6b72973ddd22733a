package tokencache_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/tokencache"
)

// F35: whatever is wrong with a configuration is said at once, by name, before
// anything starts.
func TestF35ConfigErrorsAllAtOnce(t *testing.T) {
	_, err := tokencache.New(nil, tokencache.Config{Prefix: "a{b}", FetchTimeout: 28 * time.Second, RedisTimeout: 49 * time.Millisecond})
	for _, name := range []string{"Prefix", "FetchTimeout", "RedisTimeout", "redis client"} {
		assert.ErrorContains(t, err, name)
	}
}

// F35: each bound by itself.
func TestF35ConfigBounds(t *testing.T) {
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"})
	defer func() { require.NoError(t, rdb.Close()) }()
	for _, test := range []struct {
		name   string
		config tokencache.Config
		fails  string
	}{
		{"zero", tokencache.Config{}, ""},
		{"prefix with a space", tokencache.Config{Prefix: "one token"}, "Prefix"},
		{"prefix with a newline", tokencache.Config{Prefix: "onetoken\n"}, "Prefix"},
		{"prefix with a brace", tokencache.Config{Prefix: "}"}, "Prefix"},
		{"prefix with a colon", tokencache.Config{Prefix: "prod:onetoken"}, ""},
		{"negative FetchTimeout", tokencache.Config{FetchTimeout: -1}, "FetchTimeout"},
		{"28 s - 1 ns", tokencache.Config{FetchTimeout: 28*time.Second - 1}, ""},
		{"28 s", tokencache.Config{FetchTimeout: 28 * time.Second}, "FetchTimeout"},
		{"negative RedisTimeout", tokencache.Config{RedisTimeout: -1}, "RedisTimeout"},
		{"50 ms", tokencache.Config{RedisTimeout: 50 * time.Millisecond}, ""},
		{"50 ms - 1 ns", tokencache.Config{RedisTimeout: 50*time.Millisecond - 1}, "RedisTimeout"},
		{"10 s", tokencache.Config{RedisTimeout: 10 * time.Second}, ""},
		{"10 s + 1 ns", tokencache.Config{RedisTimeout: 10*time.Second + 1}, "RedisTimeout"},
	} {
		t.Run(test.name, func(t *testing.T) {
			cache, err := tokencache.New(rdb, test.config)
			if test.fails == "" {
				require.NoError(t, err)
				require.NoError(t, cache.Close())
				return
			}
			require.ErrorContains(t, err, test.fails)
			assert.Nil(t, cache)
		})
	}
}
