package witness

import (
	"context"
	"log/slog"
	"net/url"
	"strings"

	"github.com/onetoken-go/onetoken/tokencache"
)

// Log logs an event, at debug, and leaves out what an event does not have.
func (w *Witness) Log(e tokencache.Event) {
	attrs := []slog.Attr{slog.String("kind", e.Kind.String())}
	for _, word := range []struct{ name, value string }{{"outcome", string(e.Outcome)}, {"trouble", string(e.Trouble)}, {"reason", e.Reason}} {
		if word.value != "" {
			attrs = append(attrs, slog.String(word.name, word.value))
		}
	}
	if e.Duration != 0 {
		attrs = append(attrs, slog.Duration("took", e.Duration))
	}
	if e.Remaining != 0 {
		attrs = append(attrs, slog.Duration("remaining", e.Remaining))
	}
	if e.Err != nil {
		attrs = append(attrs, slog.String("err", e.Err.Error()))
	}
	w.logger.With(Whose(e.ID)...).LogAttrs(context.Background(), slog.LevelDebug, "cache", attrs...)
}

// Whose are the attributes of a line that is about the credential with that id; none if id is "".
func Whose(id string) []any {
	if id == "" {
		return nil
	}
	attrs := []any{slog.String("id", id)}
	if parts := strings.Split(id, ":"); len(parts) == 3 {
		if app, err := url.PathUnescape(parts[1]); err == nil {
			attrs = append(attrs, slog.String("app", app))
		}
	}
	return attrs
}
