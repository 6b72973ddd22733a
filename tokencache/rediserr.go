package tokencache

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

// RedisError says what is wrong with Redis. errors.Is(err, ErrRedis) holds.
type RedisError struct {
	// Name of the trouble: "timeout" and "unreachable" for a server that does
	// not answer, "pool" for a client all of whose connections are in use, "tls" for
	// one side that does not accept the other, "paused" for a server not asked again
	// yet, "sentinel" if the sentinels do not tell the
	// primary, "protocol" for what is no Redis; else
	// the code of its answer: OOM, READONLY, LOADING, MISCONF, NOAUTH,
	// WRONGPASS, NOPERM, WRONGTYPE, BUSY, TRYAGAIN, NOREPLICAS, MASTERDOWN,
	// CLUSTERDOWN, CROSSSLOT, DENIED (protected mode), or for those without one MAXCLIENTS, NODB (no
	// database of that number) and NOCLUSTER; "other" for the rest.
	Name string
	// ID names the credential whose keys were involved: see [Credential.ID].
	ID string
	// Err is what the client returned.
	Err error

	before *RedisError // of one that was paused: why. In words alone, as it was somebody else's command
}

// Error says the trouble and what to do about it.
func (e *RedisError) Error() string {
	parts := []string{"redis"}
	if e.Name != redisOther {
		parts[0] += " " + e.Name
	}
	if e.before != nil {
		parts = append(parts, "since "+e.before.Error())
	}
	for _, part := range []string{e.words(), e.advice()} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ": ")
}

// words are those of the client without what helps nobody: a code that Name has
// said, the name of a script, a full stop. Of what is no Redis there are none:
// they would quote what it sent.
func (e *RedisError) words() string {
	if e.Err == nil || e.Name == redisProtocol {
		return ""
	}
	s, _, _ := strings.Cut(textOf(e.Err), " script:")
	if e.Name == "DENIED" { // a page on what one may do follows
		s, _, _ = strings.Cut(s, ". ")
	}
	for _, code := range []string{"ERR ", e.Name + " ", "redis: "} {
		s = strings.TrimPrefix(s, code)
	}
	return strings.TrimRight(text(strings.ReplaceAll(s, "\n", "; ")), ". ")
}

// advice is what to do. A server that hangs up has nothing wrong with its address;
// why it did so it may have said, but go-redis fails to write before it reads that.
func (e *RedisError) advice() string {
	if e.Name == redisUnreachable && slices.ContainsFunc(hangUps, func(known error) bool { return errors.Is(e.Err, known) }) {
		return redisHungUp
	}
	return redisAdvice[e.Name]
}

var hangUps = []error{io.EOF, syscall.EPIPE, syscall.ECONNRESET}

const redisHungUp = "see that redis runs, whether it wants TLS, whether it is in protected mode, whether maxclients is reached, " +
	"and whether a proxy in between knows HELLO"

// Unwrap returns the client's error and ErrRedis.
func (e *RedisError) Unwrap() []error {
	if e.Err == nil {
		return []error{ErrRedis}
	}
	return []error{ErrRedis, e.Err}
}

// redisPaused names a Redis that is not asked again yet.
const redisPaused = "paused"

// refused tells an answer of Redis, or of the client's pool, from silence and from not
// being asked.
func (e *RedisError) refused() bool { return e.Err != nil && !silent(e.Err) }

// Names of our own that are needed by name.
const (
	redisOther       = "other"
	redisPool        = "pool"
	redisUnreachable = "unreachable"
	redisTLS         = "tls"
	redisSentinel    = "sentinel"
	redisProtocol    = "protocol"
)

// What Redis calls its troubles, and what a person can do. Scripts and proxies
// wrap the words, so they are looked for anywhere in the text; the order
// settles which counts when several occur.
var (
	redisCodes = []string{
		"WRONGTYPE", "OOM", "READONLY", "LOADING", "MISCONF", "NOAUTH", "WRONGPASS", "NOPERM",
		"TRYAGAIN", "NOREPLICAS", "MASTERDOWN", "CLUSTERDOWN", "CROSSSLOT", "BUSY",
	}
	// redisWords are for what comes without a code: above all what an ACL
	// forbids to a script, before and since Redis 7.2.
	redisWords = map[string]string{
		"running in protected mode":             "DENIED", // a proxy's DENIED is the proxy's
		"max number of clients":                 "MAXCLIENTS",
		"ACL failure in script":                 "NOPERM",
		"can't run this command":                "NOPERM",
		"can't access at least one of the keys": "NOPERM",
		"DB index is out of range":              "NODB",
		"cluster support disabled":              "NOCLUSTER",
	}
	// clientWords are of go-redis, about what it cannot make sense of: it has
	// no types for these.
	clientWords = []struct{ words, name string }{
		{"redis: all sentinels", redisSentinel},
		{"redis: can't parse", redisProtocol},
		{"redis: can't read raw", redisProtocol},
		{"redis: invalid reply", redisProtocol},
	}
	redisAdvice = map[string]string{
		redisUnreachable: "check the address and that redis runs",
		redisTLS:         "check the certificates of both sides, and whom they trust",
		"timeout":        "check the load of redis and the network in between",
		redisPool:        "raise PoolSize of the redis client",
		"WRONGTYPE":      "the key is not ours: delete it, or choose another prefix",
		"OOM":            "raise maxmemory; keep the eviction policy at noeviction",
		"READONLY":       "connect to the primary",
		"LOADING":        "wait until redis has loaded its data",
		"MISCONF":        "redis cannot save to disk: see its log",
		"NOAUTH":         "set the password",
		"WRONGPASS":      "check user name and password",
		"NOPERM":         "allow the commands, keys and channel in the ACL",
		"BUSY":           "a script of somebody blocks redis",
		"DENIED":         "set a password in redis, and here: without one it serves its own host alone",
		"MAXCLIENTS":     "raise maxclients",
		"NODB":           "choose a database that exists, such as 0",
		"NOCLUSTER":      "it is no Redis Cluster: leave out cluster=true, and further addr=",
		redisSentinel:    "check the addresses of the sentinels and the name of the master",
		redisProtocol:    "the other side does not speak Redis: check the address and port",
	}
)

// redisErrorOf names an error of the client.
func redisErrorOf(err error, key string) *RedisError {
	if e, ok := errors.AsType[*RedisError](err); ok {
		return e.of(key)
	}
	err = own(err)
	return &RedisError{Name: redisTrouble(err), ID: key, Err: err}
}

// of adds whose trouble it is, if that is not known yet.
func (e *RedisError) of(key string) *RedisError {
	if e.ID != "" {
		return e
	}
	named := *e
	named.ID = key
	return &named
}

// whoseError tells the end of a caller's ctx from trouble with Redis: who gives up has
// no answer either.
func whoseError(ctx context.Context, err error, key string) error {
	if isOver(ctx) && !answered(err) {
		<-ctx.Done()
		return whyEnded(ctx)
	}
	return redisErrorOf(err, key)
}

// isOver reports whether a ctx has ended, or is about to in this very moment: a client that
// heeds its deadline may come back before its timer has fired.
func isOver(ctx context.Context) bool {
	deadline, bounded := ctx.Deadline()
	return ctx.Err() != nil || bounded && !time.Now().Before(deadline)
}

func redisTrouble(err error) string {
	text := err.Error()
	for _, known := range clientWords { // first: the sentinels' not knowing is a redis.Nil, thus an answer
		if strings.Contains(text, known.words) {
			return known.name
		}
	}
	if congested(err) {
		return redisPool
	}
	if !answered(err) {
		if errors.Is(err, context.DeadlineExceeded) || isTimeout(err) {
			return "timeout"
		}
		if strings.Contains(text, "tls: ") || strings.Contains(text, "x509: ") { // what the other side says has no type
			return redisTLS
		}
		return redisUnreachable
	}
	for _, code := range redisCodes {
		if strings.Contains(text, code+" ") {
			return code
		}
	}
	for words, code := range redisWords {
		if strings.Contains(text, words) {
			return code
		}
	}
	return redisOther
}

// silent reports that Redis was asked and did not answer. Only that opens the breaker.
func silent(err error) bool { return !answered(err) && !congested(err) }

// congested reports that the client had no connection to spare, so that Redis was not asked.
func congested(err error) bool {
	return errors.Is(err, redis.ErrPoolTimeout) || errors.Is(err, redis.ErrPoolExhausted) || errors.Is(err, errNoSlot)
}

// answered tells an answer of Redis, even an unwelcome one, from none.
func answered(err error) bool {
	if err == nil {
		return true
	}
	_, ok := errors.AsType[redis.Error](err)
	return ok
}

func isTimeout(err error) (yes bool) {
	defer func() {
		if recover() != nil { // the client's hooks may make errors of any type
			yes = false
		}
	}()
	t, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return ok && t.Timeout()
}
