package demo

import (
	"context"
	"log/slog"
	"sync/atomic"
)

// mortal logs for as long as its replica lives: what goes on in a killed one
// would not go on in a killed process.
type mortal struct {
	slog.Handler
	dead *atomic.Bool
}

// Enabled is asked before anything is logged.
func (m mortal) Enabled(ctx context.Context, level slog.Level) bool {
	return !m.dead.Load() && m.Handler.Enabled(ctx, level)
}

// WithAttrs stays mortal.
func (m mortal) WithAttrs(attrs []slog.Attr) slog.Handler {
	return mortal{m.Handler.WithAttrs(attrs), m.dead}
}

// WithGroup stays mortal.
func (m mortal) WithGroup(name string) slog.Handler {
	return mortal{m.Handler.WithGroup(name), m.dead}
}
