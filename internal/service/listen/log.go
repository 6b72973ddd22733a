package listen

import (
	"log"
	"log/slog"
	"strings"
)

// complaints sorts what net/http logs. It has no levels, and the text of a panic may be a secret.
type complaints struct{ logger *slog.Logger }

func errorLog(logger *slog.Logger) *log.Logger { return log.New(complaints{logger}, "", 0) }

// longestComplaint is enough for an address and the reason of a failed handshake.
const longestComplaint = 300

// Write gets one complaint.
func (c complaints) Write(line []byte) (int, error) {
	text := strings.TrimSpace(string(line[:min(len(line), longestComplaint)]))
	switch {
	case strings.Contains(text, ": panic serving "): // of net/http itself: the guard reports those of handlers
		c.logger.Error("panic while serving a client")
	case strings.HasPrefix(text, "http: Accept error: "): // no more file descriptors: nobody gets in
		c.logger.Warn("cannot accept clients", "error", strings.TrimPrefix(text, "http: Accept error: "))
	default:
		c.logger.Debug("a client was not served", "error", text)
	}
	return len(line), nil
}
