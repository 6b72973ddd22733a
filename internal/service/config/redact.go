package config

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// What follows has each type that holds a key, a password or a URL with one print as words, by fmt,
// slog and encoders. All other types of a Config have no secrets but tokencache.Secrets.

// String tells nothing of the URL but the kind of Redis.
func (r Redis) String() string { return "redis(" + strings.Join(r.parts(), ", ") + ")" }

func (r Redis) parts() []string {
	var all []string
	switch t := r.Target; {
	case t == nil:
	case t.Sentinel != nil:
		all = append(all, "sentinel")
	case t.Cluster != nil:
		all = append(all, "cluster")
	default:
		all = append(all, "single")
	}
	if !r.Password.IsZero() {
		all = append(all, "password")
	}
	if r.TLS != nil {
		all = append(all, "tls")
	}
	return all
}

// Format prints String for every verb.
func (r Redis) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, r.String()) }

// LogValue is String.
func (r Redis) LogValue() slog.Value { return slog.StringValue(r.String()) }

// MarshalText is String.
func (r Redis) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// String tells which of the two there are.
func (c ClientTLS) String() string {
	return fmt.Sprintf("tls(ca %t, certificate %t)", c.CA != nil, c.Certificate != nil)
}

// Format prints String for every verb.
func (c ClientTLS) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, c.String()) }

// LogValue is String.
func (c ClientTLS) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalText is String.
func (c ClientTLS) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// String tells whether clients may show a certificate.
func (c ServerTLS) String() string { return fmt.Sprintf("tls(client ca %t)", c.ClientCA != nil) }

// Format prints String for every verb.
func (c ServerTLS) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, c.String()) }

// LogValue is String.
func (c ServerTLS) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalText is String.
func (c ServerTLS) MarshalText() ([]byte, error) { return []byte(c.String()), nil }
