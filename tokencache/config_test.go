package tokencache

import (
	"log/slog"
	"math"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestConfigDefaults(t *testing.T) {
	c := Config{}.withDefaults()
	require.NoError(t, c.validate())
	host, err := os.Hostname()
	require.NoError(t, err)
	assert.Equal(t, "onetoken", c.Prefix)
	assert.Equal(t, 10*time.Second, c.FetchTimeout)
	assert.Equal(t, time.Second, c.RedisTimeout)
	assert.Equal(t, host, c.Replica)
	assert.Same(t, slog.Default(), c.Logger)
	(&reporter{observe: c.Observe}).event(Event{}) // nobody listens
	draws, err := newJitter(c.Jitter)
	require.NoError(t, err)
	for range 1000 {
		draw := draws.draw()
		require.GreaterOrEqual(t, draw, 0.0)
		require.Less(t, draw, 1.0)
	}
}

func TestConfigKeepsWhatIsSet(t *testing.T) {
	heard := 0
	c := Config{
		Prefix: "p", FetchTimeout: time.Second, RedisTimeout: 2 * time.Second, NoDirect: true,
		Replica: "r", Logger: slog.New(slog.DiscardHandler), Observe: func(Event) { heard++ }, Jitter: func() float64 { return 0.5 },
	}
	d := c.withDefaults()
	assert.Equal(t, "p", d.Prefix)
	assert.Equal(t, time.Second, d.FetchTimeout)
	assert.Equal(t, 2*time.Second, d.RedisTimeout)
	assert.True(t, d.NoDirect)
	assert.Equal(t, "r", d.Replica)
	assert.Same(t, c.Logger, d.Logger)
	assert.InDelta(t, 0.5, d.Jitter(), 0)
	d.Observe(Event{})
	assert.Equal(t, 1, heard)
}

func TestF35ConfigEdges(t *testing.T) {
	for _, test := range []struct {
		name   string
		config Config
		names  string // the field complained about; "" for none
	}{
		{"prefix with colons", Config{Prefix: "team:staging"}, ""},
		{"prefix of another alphabet", Config{Prefix: "令牌"}, ""},
		{"prefix with {", Config{Prefix: "a{b"}, "Prefix"},
		{"prefix with }", Config{Prefix: "a}b"}, "Prefix"},
		{"prefix with a space", Config{Prefix: "a b"}, "Prefix"},
		{"prefix with a line", Config{Prefix: "a\n"}, "Prefix"},
		{"prefix with DEL", Config{Prefix: "a\x7f"}, "Prefix"},
		{"FetchTimeout 1 ns", Config{FetchTimeout: 1}, ""},
		{"FetchTimeout -1 ns", Config{FetchTimeout: -1}, "FetchTimeout"},
		{"FetchTimeout 28 s - 1 ns", Config{FetchTimeout: 28*time.Second - 1}, ""},
		{"FetchTimeout 28 s", Config{FetchTimeout: 28 * time.Second}, "FetchTimeout"},
		{"RedisTimeout 50 ms", Config{RedisTimeout: 50 * time.Millisecond}, ""},
		{"RedisTimeout 50 ms - 1 ns", Config{RedisTimeout: 50*time.Millisecond - 1}, "RedisTimeout"},
		{"RedisTimeout 10 s", Config{RedisTimeout: 10 * time.Second}, ""},
		{"RedisTimeout 10 s + 1 ns", Config{RedisTimeout: 10*time.Second + 1}, "RedisTimeout"},
		{"RedisTimeout -1 s", Config{RedisTimeout: -time.Second}, "RedisTimeout"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := New(offline(t), test.config)
			if test.names == "" {
				require.NoError(t, err)
				assert.NoError(t, c.Close())
				return
			}
			require.ErrorContains(t, err, "tokencache: "+test.names)
			assert.Nil(t, c)
		})
	}
}

func TestF35ConfigNamesEveryComplaint(t *testing.T) {
	_, err := New(offline(t), Config{Prefix: "{}", FetchTimeout: time.Hour, RedisTimeout: time.Nanosecond})
	for _, part := range []string{"Prefix has braces", "FetchTimeout 1h0m0s", "28s", "RedisTimeout 1ns", "50ms to 10s"} {
		assert.ErrorContains(t, err, part)
	}
}

func TestBoundsOfLoad(t *testing.T) {
	for _, c := range []Config{
		{MaxFills: -1}, {MaxFills: 4097},
		{DirectRate: -1}, {DirectRate: math.NaN()}, {DirectRate: math.Inf(1)}, {DirectRate: math.Inf(-1)}, {DirectRate: 100_001},
	} {
		assert.Error(t, c.withDefaults().validate(), "%v %v", c.MaxFills, c.DirectRate)
	}
	for _, c := range []Config{{}, {MaxFills: 1}, {MaxFills: 4096}, {DirectRate: 1e-12}, {DirectRate: 0.5}, {DirectRate: 100_000}} {
		assert.NoError(t, c.withDefaults().validate(), "%v %v", c.MaxFills, c.DirectRate)
	}
}

func TestNewNeedsAClient(t *testing.T) {
	_, err := New(nil, Config{})
	assert.ErrorContains(t, err, "redis client")
}
