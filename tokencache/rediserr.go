package tokencache

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"syscall"

	"github.com/redis/go-redis/v9"
)

// RedisError says what is wrong with Redis. errors.Is(err, ErrRedis) holds.
type RedisError struct {
	// Trouble names what is wrong.
	Trouble Trouble
	// ID names the credential whose keys were involved: see [Credential.ID]. It is the prefix
	// if Cache.Survey looked for keys.
	ID string
	// Err is what the client returned; nil with TroublePaused, as Redis was not asked.
	Err error

	before *RedisError // of one that was paused: why. In words alone, as it was somebody else's command
}

// Error says the trouble and what to do about it.
func (e *RedisError) Error() string {
	parts := []string{"redis"}
	if e.Trouble != TroubleOther {
		parts[0] += " " + string(e.Trouble)
	}
	if e.before != nil { // with its own advice, which is all that there is
		return strings.Join(append(parts, "since "+e.before.Error()), ": ")
	}
	for _, part := range []string{e.words(), e.Advice()} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ": ")
}

// words are those of the client without what helps nobody: a code that Trouble has
// said, the name of a script, a full stop. Of what is no Redis there are none:
// they would quote what it sent.
func (e *RedisError) words() string {
	if e.Err == nil || e.Trouble == TroubleProtocol {
		return ""
	}
	s, _, _ := strings.Cut(textOf(e.Err), " script:")
	if e.Trouble == TroubleDenied { // a page on what one may do follows
		s, _, _ = strings.Cut(s, ". ")
	}
	for _, code := range []string{"ERR ", string(e.Trouble) + " ", "redis: "} {
		s = strings.TrimPrefix(s, code)
	}
	return strings.TrimRight(text(strings.ReplaceAll(s, "\n", "; ")), ". ")
}

// Advice returns what a person should do, which ends the text of Error. Empty if that depends.
func (e *RedisError) Advice() string {
	if e.before != nil {
		return e.before.Advice()
	}
	// A server that hangs up has nothing wrong with its address; why it did so it may have
	// said, but go-redis fails to write before it reads that.
	if e.Trouble == TroubleUnreachable && slices.ContainsFunc(hangUps, func(known error) bool { return errors.Is(e.Err, known) }) {
		return redisHungUp
	}
	return e.Trouble.Advice()
}

var hangUps = []error{io.EOF, syscall.EPIPE, syscall.ECONNRESET}

const redisHungUp = "see that redis runs, whether it wants TLS, whether it is in protected mode, whether maxclients is reached, " +
	"and whether a proxy in between knows HELLO"

// LogValue is a group of what there is to know; it holds no secret.
func (e *RedisError) LogValue() slog.Value {
	if e == nil {
		return slog.StringValue("none")
	}
	attrs := []slog.Attr{slog.String("message", e.Error()), slog.String("trouble", string(e.Trouble))}
	if e.ID != "" {
		attrs = append(attrs, slog.String("id", e.ID))
	}
	return slog.GroupValue(attrs...)
}

// Unwrap returns the client's error and ErrRedis.
func (e *RedisError) Unwrap() []error {
	if e.Err == nil {
		return []error{ErrRedis}
	}
	return []error{ErrRedis, e.Err}
}

// refused tells an answer of Redis, or of the client's pool, from silence and from not
// being asked.
func (e *RedisError) refused() bool { return e.Err != nil && !silent(e.Err) }

// redisErrorOf names an error of the client.
func redisErrorOf(err error, key string) *RedisError {
	if e, ok := errors.AsType[*RedisError](err); ok {
		return e.of(key)
	}
	err = own(err)
	return &RedisError{Trouble: redisTrouble(err), ID: key, Err: err}
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

func redisTrouble(err error) Trouble {
	text := err.Error()
	for _, known := range clientWords { // first: the sentinels' not knowing is a redis.Nil, thus an answer
		if strings.Contains(text, known.words) {
			return known.trouble
		}
	}
	if congested(err) {
		return TroublePool
	}
	if !answered(err) {
		if errors.Is(err, context.DeadlineExceeded) || isTimeout(err) {
			return TroubleTimeout
		}
		if strings.Contains(text, "tls: ") || strings.Contains(text, "x509: ") { // what the other side says has no type
			return TroubleTLS
		}
		return TroubleUnreachable
	}
	return troubleIn(text)
}

// silent reports that Redis was asked and did not answer. Only that opens the breaker.
func silent(err error) bool { return !answered(err) && !congested(err) }

// congested reports that the client had no connection to spare, so that Redis was not asked.
func congested(err error) bool {
	return errors.Is(err, redis.ErrPoolTimeout) || errors.Is(err, redis.ErrPoolExhausted)
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
