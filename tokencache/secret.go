package tokencache

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a text that nothing shows: no verb of fmt, not even a wrong one such as %p, which
// passes methods over and prints fields; no logger, no encoder, no diff of a test library. It
// may so be a field of any struct, exported or not. Only Reveal returns the text.
//
// It is small and immutable, cheap to copy and safe for concurrent use. The zero Secret is the
// empty text. Secrets do not compare with ==.
type Secret struct {
	// A func value, as fmt, slog and the diffs of test libraries print unexported fields and
	// follow pointers, but never look into a closure.
	reveal func() string
}

// NewSecret makes a Secret of a text; of "" the zero one.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{func() string { return text }}
}

// Reveal returns the text: a secret.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// IsZero reports whether s is the empty text.
func (s Secret) IsZero() bool { return s.reveal == nil }

// String returns secret(...), whatever the text; secret() of the zero Secret.
func (s Secret) String() string {
	if s.IsZero() {
		return "secret()"
	}
	return "secret(...)"
}

// Format prints String for every verb, %#v and %x too.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue is String.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText is String, which also covers JSON and XML: a Secret cannot be stored or sent by
// accident.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
