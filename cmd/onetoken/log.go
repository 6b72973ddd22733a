package main

import (
	"context"
	"io"
	"log/slog"

	"github.com/redis/go-redis/v9"
)

// newLogger logs to w. The level and format are names that the flags have
// checked.
func newLogger(w io.Writer, level, format string) *slog.Logger {
	var least slog.Level
	_ = least.UnmarshalText([]byte(level))
	options := &slog.HandlerOptions{Level: least}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// redisLog takes what go-redis would print to standard error by itself.
type redisLog struct{ logger *slog.Logger }

func routeRedisLog(logger *slog.Logger) { redis.SetLogger(redisLog{logger}) }

// Printf logs the format and leaves out its arguments: the format is a
// constant in go-redis, the arguments may be errors that quote a URL, or
// commands such as AUTH. The Cache's own log says what went wrong.
func (l redisLog) Printf(ctx context.Context, format string, _ ...any) {
	l.logger.DebugContext(ctx, "redis client", "says", format)
}

// demoted logs everything a level lower: for what the command says by itself.
func demoted(logger *slog.Logger) *slog.Logger {
	return slog.New(filter{logger.Handler(), func(level slog.Level) (slog.Level, bool) { return level - 4, true }})
}

// spoken has the command say warnings in its own way, if they would be logged.
func (a *app) spoken() *slog.Logger { return slog.New(voice{a.logger.Handler(), a.stderr}) }

type voice struct {
	slog.Handler
	w io.Writer
}

// Handle leaves the attributes out: they do not help a person.
func (v voice) Handle(_ context.Context, r slog.Record) error {
	say(v.w, "warning: "+r.Message)
	return nil
}

// muted logs until quiet says so.
func muted(logger *slog.Logger, quiet func() bool) *slog.Logger {
	return slog.New(filter{logger.Handler(), func(level slog.Level) (slog.Level, bool) { return level, !quiet() }})
}

// filter changes the level of records, or drops them.
type filter struct {
	slog.Handler
	pass func(slog.Level) (slog.Level, bool)
}

// Enabled asks for the level that will be logged.
func (f filter) Enabled(ctx context.Context, level slog.Level) bool {
	level, ok := f.pass(level)
	return ok && f.Handler.Enabled(ctx, level)
}

// Handle logs at that level.
func (f filter) Handle(ctx context.Context, r slog.Record) error {
	r.Level, _ = f.pass(r.Level)
	return f.Handler.Handle(ctx, r)
}

// WithAttrs keeps filtering.
func (f filter) WithAttrs(attrs []slog.Attr) slog.Handler {
	return filter{f.Handler.WithAttrs(attrs), f.pass}
}

// WithGroup keeps filtering.
func (f filter) WithGroup(name string) slog.Handler {
	return filter{f.Handler.WithGroup(name), f.pass}
}
