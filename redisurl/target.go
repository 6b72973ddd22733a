package redisurl

import "github.com/redis/go-redis/v9"

// Target is the Redis that a URL names: exactly one of its fields is set, as go-redis has it, and
// may be changed before a client is made.
type Target struct {
	Single   *redis.Options
	Cluster  *redis.ClusterOptions
	Sentinel *redis.FailoverOptions
}

// NewClient makes a client, which has connected to nothing yet; the caller closes it. Unless it is
// a Cluster's, its commands heed the deadline of a ctx (ContextTimeoutEnabled), which saves the
// cache a goroutine for each.
func (t *Target) NewClient() redis.UniversalClient {
	switch {
	case t.Sentinel != nil:
		t.Sentinel.ContextTimeoutEnabled = true
		return redis.NewFailoverClient(t.Sentinel)
	case t.Cluster != nil:
		return redis.NewClusterClient(t.Cluster)
	}
	t.Single.ContextTimeoutEnabled = true
	return redis.NewClient(t.Single)
}
