package sim

import (
	"io"
	"log/slog"
	"strings"
	"sync"
)

// words collects everything that may be shown to somebody, to search it for secrets.
type words struct {
	mu   sync.Mutex // guards seen
	seen map[string]bool
}

func (w *words) add(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.seen == nil {
		w.seen = map[string]bool{}
	}
	w.seen[text] = true
}

// Write takes what is logged.
func (w *words) Write(p []byte) (int, error) {
	w.add(string(p))
	return len(p), nil
}

func (w *words) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(io.Writer(w), &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey { // each line once
				return slog.Attr{}
			}
			return a
		},
	}))
}

// secrets checks I5: whatever anybody may see is searched for every secret there was.
func (c *checker) secrets() {
	text := strings.Builder{}
	c.w.words.mu.Lock()
	for word := range c.w.words.seen { // in any order: it is only searched
		text.WriteString(word)
		text.WriteByte('\n')
	}
	c.w.words.mu.Unlock()
	all := text.String()
	if strings.Contains(all, password) {
		c.violated("I5", "words", "the password of Redis is in what was logged, told or returned")
	}
	for _, a := range c.w.apps {
		if strings.Contains(all, a.issuer.AppSecret()) {
			c.violated("I5", "words", "the secret of %s is in what was logged, told or returned", a.name)
		}
		for _, p := range a.issuer.Pairs() {
			if strings.Contains(all, p.App) || strings.Contains(all, p.Tenant) {
				c.violated("I5", "words", "%s is in what was logged, told or returned", a.label(p.App))
			}
		}
	}
	if !strings.Contains(all, "token(") {
		c.violated("I5", "words", "nothing was collected: there is nothing to search")
	}
}
