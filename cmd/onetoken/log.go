package main

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// All that is logged, and every line for people, goes through a lineQueue. There are two loggers. The one of --log-level and --log-format goes to all that
// run on their own: the issuer's server, the demo's replicas (until they are
// killed: see mortal), go-redis. In commands with a session the Cache and the
// issuer's client get one for errors alone: what they would warn of the command says
// itself (see say), and at debug it logs every event of the Cache.

// newLogger logs to w. The level and format are names that the flags have
// checked.
func newLogger(w io.Writer, level, format string) *slog.Logger {
	var least slog.Level
	_ = least.UnmarshalText([]byte(level))
	options := &slog.HandlerOptions{Level: least, ReplaceAttr: inSeconds}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// inSeconds has a duration logged as a number of seconds under a name that says so, in
// every format: as such one is text and the other whole nanoseconds.
func inSeconds(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() != slog.KindDuration {
		return a
	}
	microseconds := a.Value.Duration().Round(time.Microsecond).Microseconds()
	return slog.Float64(a.Key+"_seconds", float64(microseconds)/1e6)
}

// redisLog takes what go-redis would print to standard error by itself.
type redisLog struct{ logger *slog.Logger }

func routeRedisLog(logger *slog.Logger) { redis.SetLogger(redisLog{logger}) }

// Printf logs the beginning of the format, up to its first verb, and leaves the
// arguments out: the format is a constant in go-redis, the arguments may be
// errors that quote a URL, or commands such as AUTH. The Cache's events say what
// went wrong.
func (l redisLog) Printf(ctx context.Context, format string, _ ...any) {
	words, _, _ := strings.Cut(format, "%")
	l.logger.DebugContext(ctx, "redis client", "says", strings.TrimRight(words, " :="))
}
