package tokencache

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"
	"unicode"
)

// Config of a Cache. The zero value is good for an embedded replica.
type Config struct {
	// Prefix of every key and channel in Redis. Replicas that shall share
	// tokens need the same one. Up to 128 bytes, without braces, spaces or control
	// characters. "" means "onetoken". Fleets that shall not share tokens need
	// different ones, also in different databases of one Redis: channels know no
	// databases, so that they would heed each other's rejections.
	Prefix string

	// FetchTimeout bounds one call to the issuer, and thereby how long the lock
	// is kept alive and how long Close may take. 0 means 10 s; below 28 s, so
	// that two calls fit into the minute of a fill.
	FetchTimeout time.Duration

	// RedisTimeout bounds one Redis command, from when the client has a connection
	// for it, whatever the client's own time-outs: a command that takes longer is left behind and counts as
	// failed. 0 means 1 s; 50 ms to 10 s. A redis.Client whose options say
	// ContextTimeoutEnabled ends it itself, which saves a goroutine for each command.
	RedisTimeout time.Duration

	// MaxFills is how many fills of the Cache are under way at once: steps off the fast
	// path, each of which keeps one connection to Redis busy or calls the issuer. Others
	// queue, those that a Get or Refresh waits for in front. One that waits for another
	// replica or sits out a failure is not under way. 0 means 64; 1 to 4096. More help
	// only a client with more connections than that, or an issuer that is slow.
	MaxFills int

	// NoDirect forbids calls to the issuer that do not go through Redis. Then
	// with Redis down a process without a usable copy gets an error instead.
	NoDirect bool

	// DirectRate bounds such calls: so many a second for all Sources together, and as many
	// at once (at least 1). A Get without a copy waits for its turn. A credential whose
	// last such call failed may make one a minute besides. 0 means 16, enough for 900
	// credentials of 60 s; finite and at most 100,000.
	DirectRate float64

	// Replica names this process in records, for people alone: nothing is decided by
	// it, and replicas may share a name. Beyond 128 bytes it is cut. "" means the
	// host name.
	Replica string

	// Logger gets what no caller is told. nil means slog.Default(). It is called as
	// Observe is.
	Logger *slog.Logger

	// Observe is told of every step off the fast path; see [Event]. It and the Logger
	// are called after the step, by one goroutine at a time, in the order of the steps
	// of each Source; so what Observe counts may lag behind a Get's return by a moment.
	// No lock is held meanwhile and nobody waits, so that both may call the Cache and
	// every method of a Source. If they are too slow, beyond 16,384 reports are lost,
	// and the Logger is told how many. A panic is survived, and logged once for each of
	// the two. nil means nobody listens.
	Observe func(Event)

	// Jitter draws from [0, 1); simulations set it so that a run can be repeated.
	// Only New calls it, 1,024 times in a row, and the Cache uses these numbers in
	// turn, over and over. A number outside, NaN or a panic is an error of New. nil
	// means math/rand/v2, without such a ring.
	Jitter func() float64
}

// Defaults and bounds of Config.
const (
	defaultPrefix       = "onetoken"
	defaultFetchTimeout = 10 * time.Second
	maxFetchTimeout     = 28 * time.Second
	defaultRedisTimeout = time.Second
	defaultMaxFills     = 64
	maxMaxFills         = 4096
	defaultDirectRate   = 16
	maxDirectRate       = 100_000
	minRedisTimeout     = 50 * time.Millisecond
	maxRedisTimeout     = 10 * time.Second
)

func (c Config) withDefaults() Config {
	c.Prefix = cmp.Or(c.Prefix, defaultPrefix)
	c.FetchTimeout = cmp.Or(c.FetchTimeout, defaultFetchTimeout)
	c.RedisTimeout = cmp.Or(c.RedisTimeout, defaultRedisTimeout)
	c.MaxFills = cmp.Or(c.MaxFills, defaultMaxFills)
	c.DirectRate = cmp.Or(c.DirectRate, defaultDirectRate)
	if c.Replica == "" {
		c.Replica, _ = os.Hostname()
	}
	c.Replica = word(c.Replica)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

// validate expects defaults to be filled in, and names every complaint.
func (c Config) validate() error {
	var errs []error
	// Not quoted: it may be something else that came here by mistake.
	if strings.ContainsFunc(c.Prefix, func(r rune) bool {
		return r == '{' || r == '}' || unicode.IsSpace(r) || unicode.IsControl(r)
	}) {
		errs = append(errs, errors.New("Prefix has braces, spaces or control characters: leave them out"))
	}
	if len(c.Prefix) > longestWord {
		errs = append(errs, fmt.Errorf("Prefix is longer than %d bytes", longestWord))
	}
	if c.FetchTimeout < 0 || c.FetchTimeout >= maxFetchTimeout {
		errs = append(errs, fmt.Errorf("FetchTimeout %v: more than 0 and less than %v", c.FetchTimeout, maxFetchTimeout))
	}
	if c.RedisTimeout < minRedisTimeout || c.RedisTimeout > maxRedisTimeout {
		errs = append(errs, fmt.Errorf("RedisTimeout %v: %v to %v", c.RedisTimeout, minRedisTimeout, maxRedisTimeout))
	}
	if c.MaxFills < 1 || c.MaxFills > maxMaxFills {
		errs = append(errs, fmt.Errorf("MaxFills %d: 1 to %d", c.MaxFills, maxMaxFills))
	}
	if !(c.DirectRate > 0 && c.DirectRate <= maxDirectRate) { // NaN is neither
		errs = append(errs, fmt.Errorf("DirectRate %v: more than 0 and at most %d; NoDirect forbids direct calls", c.DirectRate, maxDirectRate))
	}
	return errors.Join(errs...)
}

// meanwhile says what there is for whoever wants a token while Redis is in trouble, where so many
// credentials have none at hand.
func (c Config) meanwhile(without int) string {
	switch {
	case without == 0:
		return "tokens at hand serve"
	case c.NoDirect:
		return "whoever has no token at hand gets none, as NoDirect is set"
	}
	return "whoever has no token at hand asks the issuer directly"
}
