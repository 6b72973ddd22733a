package main

import (
	"cmp"
	"crypto/tls"
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

// tls is nil without it.
func (t *redisTarget) tls() *tls.Config {
	switch {
	case t.sentinel != nil:
		return t.sentinel.TLSConfig
	case t.cluster != nil:
		return t.cluster.TLSConfig
	}
	return t.single.TLSConfig
}

// unverified says whether anybody's certificate will do.
func (t *redisTarget) unverified() bool { return t.tls() != nil && t.tls().InsecureSkipVerify }

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
