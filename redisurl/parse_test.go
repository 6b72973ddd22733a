package redisurl

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What a person wrote is either heeded or complained about, by the name of the part.
func TestDropsNothing(t *testing.T) {
	t.Parallel()
	const secret = "do-not-show-me"
	for _, c := range []struct {
		url  string
		want []string // beginnings of complaints
	}{
		{"redis://:" + secret + "#x@elsewhere:6379/0", []string{"has a fragment"}},
		{"redis://h:6379/0#" + secret, []string{"has a fragment"}},
		{"redis://h?dial_timeout=1s;password=" + secret, []string{"has a ; in its query"}},
		{"redis://h?master_name=m&password=" + secret + "+x", []string{"has a + in its query"}},
		{"redis://h?client_name=%zz" + secret, []string{"has a query that cannot be decoded"}},

		{"redis://:" + secret + "/x@h:6379/0", []string{"has an @ in its path"}},
		{"redis://:a?" + secret + "@h", []string{"has a port"}},
		{"redis://user@h", []string{"has a user and no password"}},
		{"redis://" + secret + ":@h", []string{"has a user and no password"}},
		{"redis://" + secret + "%@h", []string{"has a user or password"}},
		{"redis://h?master_name=m&username=" + secret, []string{"has username= without password="}},

		{"redis://", []string{"names no host"}},
		{"redis:///0", []string{"names no host"}},
		{"redis://:6379", []string{"names no host"}},
		{"redis://user:" + secret + "@", []string{"names no host"}},
		{"redis://user:" + secret + "@:6379", []string{"names no host"}},
		{"redis://[]:6379", []string{"names no host"}},
		{"redis://a,b", []string{"has a host that is none"}},
		{"redis://a," + secret + ":6379?master_name=m", []string{"has a host that is none"}},
		{"redis://h?cluster=true&addr=b," + secret + ":1", []string{"has a parameter addr=, which has to be host:port"}},
		{"redis://:a@h=" + secret, []string{"has a host that is none"}},
		{"redis://[fe80::1%eth0]:6379", []string{"has a host with a zone after a bare %"}},
		{"redis://[fe80::1%25]:6379", []string{"has a host that is none"}},
		{"redis://[0000::0%%250]", []string{"has a host with a zone after a bare %"}},
		{"redis://[fe80::1%25" + secret + "%25x]", []string{"has a host that is none"}},
		{"redis://[fe80::1%25a=" + secret + "]", []string{"has a host that is none"}},
		{"redis://[" + secret + "%25eth0]", []string{"has a host that is none"}},
		{"redis://[127.0.0.1%25eth0]", []string{"has a host that is none"}},
		{"redis://[127.0.0.1]", []string{"has a host that is none"}},
		{"redis://h?cluster=true&addr=[fe80::1%eth0]:1", []string{"has a query that cannot be decoded"}},
		{"redis://h?cluster=true&addr=[fe80::1%25]:1", []string{"has a parameter addr=, which has to be host:port"}},
		{"redis://[::1", []string{"has a host that is none"}},
		{"redis://::1:6379", []string{"has a host that is none"}},
		{"redis://h:", []string{"has a port"}},
		{"redis://h:0", []string{"has a port"}},
		{"redis://h:65536", []string{"has a port"}},
		{"redis://h:-1", []string{"has a port"}},
		{"redis://h:" + secret, []string{"has a port"}},

		{"redis://h/" + secret, []string{"has a path"}},
		{"redis://h/1/2", []string{"has a path"}},
		{"redis://h/-1", []string{"has a path"}},
		{"redis://h/1?db=2", []string{"has a database in its path and in db="}},
		{"redis://h/1?cluster=true", []string{"has a database other than 0"}},
		{"redis://h/1?addr=b:1", []string{"has a database other than 0"}},
		{"redis://h/x?cluster=true", []string{"has a path"}},
		{"redis://h?cluster=true&db=1", []string{"has a parameter db=, which is for one server or Sentinel alone"}},

		{"unix://run/redis.sock", []string{"has a host"}},
		{"unix://user:" + secret + "@run/redis.sock", []string{"has a host"}},
		{"unix:run/redis.sock", []string{"has no path"}},
		{"unix://", []string{"has no path"}},
		{"unix:///run/redis.sock?cluster=true", []string{"asks for Cluster or Sentinel at a socket"}},
		{"unix:///run/redis.sock?addr=b:1", []string{"asks for Cluster or Sentinel at a socket"}},

		{"redis://h?" + secret + "=1", []string{"has a parameter that is not known"}},
		{"redis://h?pool_size=1&pool_size=2", []string{"has a parameter pool_size=, which is there more than once"}},
		{"redis://h?db=", []string{"has a parameter db=, which is empty"}},
		{"redis://h?cluster", []string{"has a cluster="}},
		{"redis://h?cluster=false&addr=b:1", []string{"has addr= and cluster=false"}},
		{"redis://h?cluster=true&addr=b", []string{"has a parameter addr=, which has to be host:port"}},
		{"redis://h?cluster=true&addr=b:1&addr=" + secret + ":x", []string{"has a parameter addr=, which has to be host:port"}},
		{"redis://h?skip_verify=true", []string{"has a parameter skip_verify=, which is for rediss:// alone"}},
		{"rediss://h?cluster=true&skip_verify=true", []string{"has a parameter skip_verify=, which is for one server or Sentinel alone"}},
		{"rediss://h?skip_verify=" + secret, []string{"has a parameter skip_verify=, which has to be true or false"}},
		{"redis://h?dialer_retries=3", []string{"has a parameter dialer_retries=, which is for Cluster or Sentinel alone"}},
		{"redis://h?idle_timeout=1s&conn_max_idle_time=2s", []string{"has conn_max_idle_time= and idle_timeout="}},
		{"redis://h?conn_max_lifetime_jitter=1s", []string{"has conn_max_lifetime_jitter= without"}},
		{"redis://h?pool_size=-3", []string{"has a parameter pool_size=, which has to be a whole number"}},
		{"redis://h?pool_size=5x", []string{"has a parameter pool_size=, which has to be a whole number"}},
		{"redis://h?protocol=4", []string{"has a parameter protocol=, which has to be a whole number from 2 to 3"}},
		{"redis://h?dial_timeout=-1s", []string{"has a parameter dial_timeout=, which has to be more than 0"}},
		{"redis://h?dial_timeout=0", []string{"has a parameter dial_timeout=, which has to be more than 0"}},
		{"redis://h?dial_timeout=99999999999", []string{"has a parameter dial_timeout=, which has to be more than 0"}},
		{"redis://h?read_timeout=-5s", []string{"has a parameter read_timeout=, which has to be more than 0"}},
		{"redis://h?pool_fifo=yes", []string{"has a parameter pool_fifo=, which has to be true or false"}},
		{"redis://h?db=x&" + secret + "=1&pool_size=x", []string{
			"has a parameter db=", "has a parameter pool_size=", "has a parameter that is not known",
		}},

		{"redis://h:6379\n", []string{"cannot be read: its last character is a newline"}},
		{"\ufeffredis://h", []string{"cannot be read: its first character is a byte order mark"}},
		{"redis://:" + secret + " x@h", []string{"cannot be read: its character "}},
	} {
		_, err := Parse(c.url)
		require.Error(t, err, c.url)
		complaints := strings.Split(err.Error(), "\n")
		require.Len(t, complaints, len(c.want), "%s: %v", c.url, err)
		for i, want := range c.want {
			assert.True(t, strings.HasPrefix(complaints[i], want), "%s: %v", c.url, complaints[i])
			assert.NotContains(t, complaints[i], secret)
		}
	}
}

// The zone of a link-local address is part of the host, wherever one is named.
func TestTakesAnIPv6Zone(t *testing.T) {
	t.Parallel()
	parse := func(raw string) *Target {
		target, err := Parse(raw)
		require.NoError(t, err, raw)
		return target
	}
	assert.Equal(t, "[fe80::1%eth0]:6379", parse("redis://:p@[fe80::1%25eth0]/1").Single.Addr)
	assert.Equal(t, "[fe80::1%en-0.1_x]:1", parse("rediss://[fe80::1%25en-0.1_x]:1").Single.Addr)
	assert.Equal(t, []string{"[fe80::1%eth0]:1", "[fe80::2%7]:2"}, parse("redis://[fe80::1%25eth0]:1?addr=[fe80::2%257]:2").Cluster.Addrs)
	assert.Equal(t, []string{"[fe80::1%eth0]:1", "[fe80::2%7]:2"}, parse("redis://[fe80::1%25eth0]:1?addr=%5Bfe80::2%257%5D:2&master_name=m").Sentinel.SentinelAddrs)
}

// What is fine arrives at go-redis as it was written.
func TestArrives(t *testing.T) {
	t.Parallel()
	parse := func(raw string) *Target {
		target, err := Parse(raw)
		require.NoError(t, err, raw)
		return target
	}
	assert.Equal(t, "p#?/ ;@%x", parse("redis://:p%23%3F%2F%20%3B%40%25x@h:1").Single.Password)
	assert.Equal(t, "p@ss", parse("redis://:p@ss@h").Single.Password)
	assert.Equal(t, "[::1]:6379", parse("redis://[::1]").Single.Addr)
	assert.Equal(t, "h:6379", parse("REDIS://h/").Single.Addr)
	assert.Equal(t, "/run/my redis.sock", parse("unix:/run/my%20redis.sock").Single.Addr)
	socket := parse("unix://u:p@/run/redis.sock?db=2").Single
	assert.Equal(t, []any{"/run/redis.sock", "u", "p", 2}, []any{socket.Addr, socket.Username, socket.Password, socket.DB})
	assert.True(t, parse("rediss://h?skip_verify=true").Single.TLSConfig.InsecureSkipVerify)
	assert.Equal(t, []string{"a:6379", "b:1"}, parse("redis://a/0?cluster=true&addr=b:1").Cluster.Addrs)
	sentinel := parse("rediss://u:s@a:1/3?master_name=m&addr=b:2&addr=%5B::1%5D:3&username=x&password=a%2Bb%3B&skip_verify=1").Sentinel
	assert.Equal(t, []string{"a:1", "b:2", "[::1]:3"}, sentinel.SentinelAddrs)
	assert.Equal(t, []any{"u", "s", "x", "a+b;", 3}, []any{
		sentinel.SentinelUsername, sentinel.SentinelPassword, sentinel.Username, sentinel.Password, sentinel.DB,
	})

	// Each parameter that is known is one go-redis takes, for each kind it is said to be for.
	values := []string{"1", "2", "1s", "true", "b:1"}
	for name, p := range parameters {
		for kind, base := range map[kind]string{
			kindSingle: "rediss://h?", kindCluster: "redis://h?cluster=1&", kindSentinel: "rediss://h?master_name=m&",
		} {
			if p.kinds&kind == 0 || strings.Contains(base, name+"=") || name == "cluster" {
				continue
			}
			for _, value := range values {
				if p.value(value) != "" {
					continue
				}
				raw := base + name + "=" + value
				switch name {
				case "username":
					raw += "&password=p"
				case "conn_max_lifetime_jitter":
					raw += "&conn_max_lifetime=1m"
				}
				parse(raw)
			}
		}
	}
}

// Whatever is written, the parser neither panics nor is it surprised by go-redis.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"redis://u:p@h:1/2?db=3", "rediss://[::1]:6379?skip_verify=1", "unix:///run/s?db=1", "unix:x", "redis://h?cluster=1&addr=b:2",
		"redis://h?master_name=m&addr=b:2&password=%2B", "redis://@", "redis://:@h", "redis://%41", "redis://[fe80::1%25eth0]:1?addr=[fe80::2%25x]:1", "redis://h/%31", "unix://%2f",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		target, err := Parse(raw)
		assert.NotErrorIs(t, err, errOption)
		if err == nil {
			require.NoError(t, target.NewClient().Close())
		}
	})
}

// A URL that cannot be taken apart says which mistake it is, and nothing of itself.
func TestSaysWhatTheWholeLacks(t *testing.T) {
	for raw, says := range map[string]string{
		"127.0.0.1:6379":               "has no scheme",
		"localhost":                    "has no scheme",
		"redis:/127.0.0.1:6379":        "has no // after its scheme",
		"rediss:/127.0.0.1:6379":       "has no // after its scheme",
		`"redis://:secret@host:6379"`:  "is in quotation marks",
		`'rediss://:secret@host:6379'`: "is in quotation marks",
		"http://:secret@host:6379":     "does not begin with redis://",
	} {
		_, err := Parse(raw)
		require.ErrorContains(t, err, says, raw)
		assert.NotContains(t, err.Error(), "secret", raw)
	}
}
