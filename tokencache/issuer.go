package tokencache

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// A Fetcher asks an issuer for a token: one attempt, no retries, no cache of
// its own; pacing is the Cache's business. Implementations must be safe for
// concurrent use.
//
// The contract that the rest stands on: minting a token does not end the ones
// minted before. A second, accidental call must be harmless.
type Fetcher interface {
	// Issuer tells whose token this is. It must not change between calls.
	Issuer() Issuer
	// Fetch makes the call. A refusal is an *IssuerError; anything else counts
	// as transient. The message of either is told to the whole fleet and logged:
	// no secret in it. Fetch should return soon after ctx ends; if it does not,
	// the Cache leaves it behind.
	Fetch(ctx context.Context) (Token, error)
}

// FetchFunc makes a Fetcher of a function.
func FetchFunc(issuer Issuer, fetch func(context.Context) (Token, error)) Fetcher {
	return fetchFunc{issuer, fetch}
}

type fetchFunc struct {
	issuer Issuer
	fetch  func(context.Context) (Token, error)
}

func (f fetchFunc) Issuer() Issuer                           { return f.issuer }
func (f fetchFunc) Fetch(ctx context.Context) (Token, error) { return f.fetch(ctx) }

// Issuer identifies a credential at an issuer without its secret, and says how
// that issuer behaves. Equal Issuers share one record in Redis and, within a
// Cache, one Source. Those that differ in Window or MaxLife alone share the record.
type Issuer struct {
	// Name of the kind of issuer, such as "feishu". This, App and Digest have 1 to 128 bytes.
	Name string
	// App is the id of the app the token belongs to.
	App string
	// Digest of everything that makes two credentials differ, the secret
	// included: see the function [Digest]. A rotated secret thus has a record
	// of its own, and a wrong secret never reads a right one's token.
	Digest string
	// Window is how long before a token's end the issuer begins to answer with
	// a new one; before that it returns the same token again. Feishu: 30 min.
	// 0 for an issuer that mints at every call; else 1 ms to 3,650 days.
	Window time.Duration
	// MaxLife is the longest life to believe. An answer beyond it is an issuer
	// error. 1 s to 3,650 days; 0 means 24 h; Feishu: 2 h 1 min.
	MaxLife time.Duration
}

// Digest returns 16 hex digits of a SHA-256 over the parts, each with its
// length in front, for [Issuer.Digest].
func Digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(strconv.Itoa(len(p)) + ":" + p))
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// Minimum and default of the lives an issuer may state. The longest is longestLife, beyond
// which nobody believes a record.
const (
	minLife        = time.Second
	defaultMaxLife = 24 * time.Hour
	minWindow      = time.Millisecond // a record has whole ones
)

// checkLife says whether a stated life can be believed.
func (i Issuer) checkLife(life time.Duration) error {
	if longest := cmp.Or(i.MaxLife, defaultMaxLife); life < minLife || life > longest {
		return &IssuerError{
			Issuer:  word(i.Name),
			Class:   ClassTransient,
			Message: fmt.Sprintf("answered with a life of %v, outside of %v to %v", life, minLife, longest),
		}
	}
	return nil
}

func (i Issuer) validate() error {
	var errs []error
	if i.Name == "" {
		errs = append(errs, errors.New("Issuer.Name is empty: name the kind of issuer"))
	}
	if i.App == "" {
		errs = append(errs, errors.New("Issuer.App is empty: set the app id"))
	}
	if i.Digest == "" {
		errs = append(errs, errors.New("Issuer.Digest is empty: make one with tokencache.Digest"))
	}
	for _, part := range []struct{ field, value string }{{"Name", i.Name}, {"App", i.App}, {"Digest", i.Digest}} {
		if len(part.value) > longestWord {
			errs = append(errs, fmt.Errorf("an Issuer.%s of more than %d bytes", part.field, longestWord))
		}
	}
	if i.Window != 0 && (i.Window < minWindow || i.Window > longestLife) {
		errs = append(errs, fmt.Errorf("Issuer.Window %v: 0, or %v to %v", i.Window, minWindow, longestLife))
	}
	if i.MaxLife != 0 && (i.MaxLife < minLife || i.MaxLife > longestLife) {
		errs = append(errs, fmt.Errorf("Issuer.MaxLife %v: 0, or %v to %v", i.MaxLife, minLife, longestLife))
	}
	return errors.Join(errs...)
}

// id names the credential in Redis: <issuer>:<app id>:<digest>, with anything
// unusual percent-encoded, so that it can stand between the braces of a hash tag.
func (i Issuer) id() string {
	return escape(i.Name) + ":" + escape(i.App) + ":" + escape(i.Digest)
}

// appOf is the app of an id, or nothing if it is none of ours.
func appOf(id string) string {
	parts := strings.Split(id, ":")
	if len(parts) != 3 {
		return ""
	}
	for i, part := range parts {
		plain, err := url.PathUnescape(part)
		if err != nil || len(plain) > longestWord || escape(plain) != part {
			return "" // no Issuer has such an id
		}
		parts[i] = plain
	}
	return parts[1]
}

// escape keeps [A-Za-z0-9_.-] and percent-encodes every other byte, the colon
// too: it separates the parts of an id.
func escape(s string) string {
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"
	var b strings.Builder
	for _, c := range []byte(s) {
		if strings.IndexByte(plain, c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
