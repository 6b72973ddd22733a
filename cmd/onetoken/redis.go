package main

import (
	"cmp"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Defaults for a command that is run by hand or by a script and shall end soon,
// where the URL does not say otherwise. Those of go-redis are for services: it
// dials five times for up to 5 s each and reads for 5 s, within each of four
// tries, so that a Redis that only refuses connections takes longer to say so
// than the Cache waits for it.
const (
	redisDialTimeout = time.Second
	redisDialTries   = 1
	redisReadTimeout = 2 * time.Second
	redisPoolSize    = 4
)

// redisTarget is a parsed REDIS_URL: exactly one of its fields is set.
type redisTarget struct {
	single   *redis.Options
	cluster  *redis.ClusterOptions
	sentinel *redis.FailoverOptions
}

// What is wrong with a REDIS_URL. The errors of net/url and go-redis quote what
// they could not parse, password and all, so none of them is passed on.
var (
	errRedisURL    = errors.New("is not a URL such as redis://user:password@host:6379/0: percent-encode what is special in user and password")
	errRedisBare   = errors.New("has no scheme: it has to look like redis://127.0.0.1:6379")
	errRedisScheme = errors.New("does not begin with redis://, rediss:// or unix://: see onetoken -h")
	errRedisOption = errors.New("has a part go-redis does not take: see the database number after the host and the options after the \"?\"")
	errRedisMode   = errors.New("asks for Cluster and Sentinel at once: give cluster=true or master_name=, not both")
	errRedisRoute  = errors.New("routes reads to replicas: leave out read_only, replica_only and route_..., tokens are read from the primary")
	errRedisBool   = errors.New("has a cluster= that is neither true nor false")
)

// redisReplicaOptions would read stale tokens from replicas; with Sentinel the
// last two make go-redis panic.
var redisReplicaOptions = []string{"read_only", "replica_only", "route_by_latency", "route_randomly"}

// parseRedisURL says what kind of Redis is meant and leaves the rest to
// go-redis. Its errors hold nothing of the URL.
func parseRedisURL(raw string) (*redisTarget, error) {
	if !strings.Contains(raw, "://") && !strings.HasPrefix(raw, "unix:") {
		return nil, errRedisBare
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errRedisURL
	}
	if u.Scheme != "redis" && u.Scheme != "rediss" && u.Scheme != "unix" {
		return nil, errRedisScheme
	}
	query := u.Query()
	if slices.ContainsFunc(redisReplicaOptions, query.Has) {
		return nil, errRedisRoute
	}
	cluster, err := strconv.ParseBool(cmp.Or(query.Get("cluster"), "false"))
	if err != nil {
		return nil, errRedisBool
	}
	query.Del("cluster") // ours, not go-redis'
	u.RawQuery = query.Encode()
	if cluster && query.Has("master_name") {
		return nil, errRedisMode
	}
	return parseRedisMode(u, cluster)
}

func parseRedisMode(u *url.URL, cluster bool) (*redisTarget, error) {
	var t redisTarget
	var err error
	switch query := u.Query(); {
	case query.Has("master_name"):
		t.sentinel, err = redis.ParseFailoverURL(u.String())
	case cluster, query.Has("addr"):
		t.cluster, err = redis.ParseClusterURL(u.String())
	default:
		t.single, err = redis.ParseURL(u.String())
	}
	if err != nil {
		return nil, errRedisOption
	}
	return &t, nil
}

func (t *redisTarget) hasTLS() bool {
	switch {
	case t.sentinel != nil:
		return t.sentinel.TLSConfig != nil
	case t.cluster != nil:
		return t.cluster.TLSConfig != nil
	}
	return t.single.TLSConfig != nil
}

// client connects to nothing yet. The caller closes it.
func (t *redisTarget) client() redis.UniversalClient {
	// Maintenance notifications would cost a round trip on each connection, for
	// a process that is gone long before a maintenance ends. With Sentinel
	// go-redis has none.
	quiet := &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	switch {
	case t.sentinel != nil:
		o := t.sentinel
		o.ContextTimeoutEnabled = true
		hasten(&o.DialTimeout, &o.ReadTimeout, &o.DialerRetries, &o.PoolSize)
		return redis.NewFailoverClient(o)
	case t.cluster != nil:
		o := t.cluster
		hasten(&o.DialTimeout, &o.ReadTimeout, &o.DialerRetries, &o.PoolSize)
		o.MaintNotificationsConfig = quiet
		return redis.NewClusterClient(o)
	default:
		o := t.single
		o.ContextTimeoutEnabled = true
		hasten(&o.DialTimeout, &o.ReadTimeout, &o.DialerRetries, &o.PoolSize)
		o.MaintNotificationsConfig = quiet
		return redis.NewClient(o)
	}
}

// hasten fills in what the URL left open.
func hasten(dial, read *time.Duration, tries, pool *int) {
	*dial = cmp.Or(*dial, redisDialTimeout)
	*read = cmp.Or(*read, redisReadTimeout)
	*tries = cmp.Or(*tries, redisDialTries)
	*pool = cmp.Or(*pool, redisPoolSize)
}
