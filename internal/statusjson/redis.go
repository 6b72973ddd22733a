package statusjson

// States of Redis, as a service tells them under /api/status.
const (
	RedisUp       = "up"       // it takes part
	RedisDegraded = "degraded" // it does not: the service asks the issuers itself
)

// IsDegraded reports whether a state says that Redis takes no part. An older service tells none.
func IsDegraded(state string) bool { return state == RedisDegraded }
