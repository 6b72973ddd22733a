// Package wire is how tokens, rejections and times are written for Redis and for events: what is
// sealed, and what only Redis' scripts and people read. docs/interop.md describes every byte,
// docs/interop.json has vectors. Nothing here does I/O or knows of a fill.
package wire

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
)

// Sealer seals tokens for Redis and for events, and opens what others say are some. Whoever
// has the secret of a credential has the same Sealer; Redis has none.
//
// It is safe for concurrent use. The key stands behind a func value, as a Token's strings
// do: nothing prints, compares or marshals it. The AEAD is made when it is used, because it
// takes ten times the memory of the key, and a process may have 10,000 of them. The zero
// Sealer seals and opens nothing.
type Sealer struct{ key func() [32]byte }

// IsZero reports whether there is no key.
func (s Sealer) IsZero() bool { return s.key == nil }

// Key is what nobody may ever read, for tests that look for it.
func (s Sealer) Key() [32]byte { return s.key() }

// What is derived from a secret, for HKDF's info. Another format is another version here,
// and so another id: two versions never read each other's records.
const (
	infoID   = "onetoken/1 id"
	infoSeal = "onetoken/1 seal"
)

// Derive returns the digest that stands in the id of a credential, 32 hex digits, and
// its Sealer. The public parts are what makes two credentials with one secret differ. Without
// a secret anybody could derive the key: Derive then returns an empty digest and the zero
// Sealer. HKDF fails in Go's FIPS-only mode alone, where go-redis does not run.
func Derive(public, secret []string) (digest string, s Sealer) {
	if strings.Join(secret, "") == "" {
		return "", Sealer{}
	}
	random, err := hkdf.Extract(sha256.New, WithLengths(secret...), WithLengths(public...))
	if err != nil {
		return "", Sealer{}
	}
	id, err := hkdf.Expand(sha256.New, random, infoID, 16)
	if err != nil {
		return "", Sealer{}
	}
	derived, err := hkdf.Expand(sha256.New, random, infoSeal, 32)
	if err != nil {
		return "", Sealer{}
	}
	key := [32]byte(derived)
	return hex.EncodeToString(id), Sealer{func() [32]byte { return key }}
}

// SealRecord seals a token for the hash in Redis. The additional data has nothing that a
// script rewrites while the token stays the same.
func (s Sealer) SealRecord(id, app, tenant string, life time.Duration) (string, error) {
	plain, err := plainOf(app, tenant)
	if err != nil {
		return "", err
	}
	return s.seal(plain, recordData(id, Fingerprint(app, tenant), life))
}

// OpenRecord opens what SealRecord sealed with the same id and life, if it is the token of
// that fingerprint.
func (s Sealer) OpenRecord(id, fingerprint string, life time.Duration, sealed string) (app, tenant string, err error) {
	return s.openPair(fingerprint, sealed, recordData(id, fingerprint, life))
}

// TokenTimes are the times of an event that carries a token, by Redis' clock, in whole
// milliseconds.
type TokenTimes struct{ StoredAt, CheckedAt, EndsAt time.Time }

// SealToken seals a token for an event, with its times: nobody without the secret can tell
// it again with others.
func (s Sealer) SealToken(id, app, tenant string, life time.Duration, at TokenTimes) (string, error) {
	plain, err := plainOf(app, tenant)
	if err != nil {
		return "", err
	}
	return s.seal(plain, tokenEventData(id, Fingerprint(app, tenant), life, at))
}

// OpenToken opens what SealToken sealed with the same id, life and times, if it is the token
// of that fingerprint.
func (s Sealer) OpenToken(id, fingerprint string, life time.Duration, at TokenTimes, sealed string) (app, tenant string, err error) {
	return s.openPair(fingerprint, sealed, tokenEventData(id, fingerprint, life, at))
}

// SealRejection seals the news that a token was rejected at that moment of Redis' clock. It
// seals nothing but what the event says: who may publish, but lacks the secret, cannot have
// a fleet drop its token.
func (s Sealer) SealRejection(id, fingerprint string, at time.Time) (string, error) {
	return s.seal(nil, rejectionData(id, fingerprint, at))
}

// OpenRejection returns nil if that very rejection was sealed by someone with the secret.
func (s Sealer) OpenRejection(id, fingerprint string, at time.Time, sealed string) error {
	_, err := s.open(sealed, rejectionData(id, fingerprint, at), 0)
	return err
}

// The additional data begins with what was sealed, so that one kind is not taken for another.
func recordData(id, fingerprint string, life time.Duration) []byte {
	return WithLengths("record", id, fingerprint, Millis(life))
}

func tokenEventData(id, fingerprint string, life time.Duration, at TokenTimes) []byte {
	return WithLengths("token", id, fingerprint, Millis(life), UnixMillis(at.StoredAt), UnixMillis(at.CheckedAt), UnixMillis(at.EndsAt))
}

func rejectionData(id, fingerprint string, at time.Time) []byte {
	return WithLengths("rejection", id, fingerprint, UnixMillis(at))
}

// sealError is why nothing was sealed or opened: a reason, and nothing of what it is about.
type sealError string

func (e sealError) Error() string { return string(e) }

const (
	errNoSealKey         sealError = "there is no key to seal with"
	errNoTokens          sealError = "both tokens are empty"
	errTokensTooLong     sealError = "the tokens are too long to be sealed"
	errSealSize          sealError = "the seal is too short or too long"
	errSealNotCanonical  sealError = "the seal is not canonical base64url"
	errSealNotOpened     sealError = "the seal cannot be opened"
	errSealedGarbled     sealError = "what was sealed is no pair of tokens"
	errSealedFingerprint sealError = "what was sealed has another fingerprint"
)

// LongestToken is the most bytes a token pair may have: a JWT with room to spare.
const LongestToken = 32 << 10

// longestPlain is of two tokens, each with its length in front.
const longestPlain = LongestToken + 2*len("32768:")

// plainOf is what is sealed of a token. Either string may be empty, not both.
func plainOf(app, tenant string) ([]byte, error) {
	switch {
	case app == "" && tenant == "":
		return nil, errNoTokens
	case len(app) > LongestToken || len(tenant) > LongestToken-len(app):
		return nil, errTokensTooLong
	}
	return WithLengths(app, tenant), nil
}

// openPair opens the seal of two tokens.
func (s Sealer) openPair(fingerprint, sealed string, data []byte) (app, tenant string, err error) {
	plain, err := s.open(sealed, data, longestPlain)
	if err != nil {
		return "", "", err
	}
	app, rest, ok := cutPart(string(plain))
	if !ok {
		return "", "", errSealedGarbled
	}
	tenant, rest, ok = cutPart(rest)
	if !ok || rest != "" || app == "" && tenant == "" || len(app)+len(tenant) > LongestToken {
		return "", "", errSealedGarbled
	}
	if Fingerprint(app, tenant) != fingerprint {
		return "", "", errSealedFingerprint
	}
	return app, tenant, nil
}

// sealOverhead is what a seal has beside the text: the nonce in front, the tag behind.
const sealOverhead = 12 + 16

// sealText is Strict, as else up to 16 texts were the same seal.
var sealText = base64.RawURLEncoding.Strict()

func (s Sealer) seal(plain, data []byte) (string, error) {
	aead, err := s.aead()
	if err != nil {
		return "", err
	}
	return sealText.EncodeToString(aead.Seal(nil, nil, plain, data)), nil
}

// open returns the text of a seal, of at most so many bytes. It looks at the length first:
// others write seals, of any size.
func (s Sealer) open(sealed string, data []byte, longest int) ([]byte, error) {
	if len(sealed) < sealText.EncodedLen(sealOverhead) || len(sealed) > sealText.EncodedLen(sealOverhead+longest) {
		return nil, errSealSize
	}
	if strings.ContainsAny(sealed, "\r\n") { // the decoder skips them
		return nil, errSealNotCanonical
	}
	raw, err := sealText.DecodeString(sealed)
	if err != nil {
		return nil, errSealNotCanonical
	}
	aead, err := s.aead()
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(raw[:0], nil, raw, data)
	if err != nil {
		return nil, errSealNotOpened
	}
	return plain, nil
}

// aead is AES-256-GCM with a random nonce: safe for 2^32 seals with one key, which are two
// a second for 68 years.
func (s Sealer) aead() (cipher.AEAD, error) {
	if s.IsZero() {
		return nil, errNoSealKey
	}
	key := s.key()
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// Fingerprint identifies a pair of tokens without revealing them: 32 hex digits of a
// SHA-256 over both, each with its length in front.
func Fingerprint(app, tenant string) string {
	sum := sha256.Sum256(WithLengths(app, tenant))
	return hex.EncodeToString(sum[:16])
}

// WithLengths writes one part after the other, each as its length in bytes, in decimal, a
// colon and the bytes: what was one part is never taken for two.
func WithLengths(parts ...string) []byte {
	size := 0
	for _, p := range parts {
		size += len("32768:") + len(p)
	}
	b := make([]byte, 0, size)
	for _, p := range parts {
		b = strconv.AppendInt(b, int64(len(p)), 10)
		b = append(b, ':')
		b = append(b, p...)
	}
	return b
}

// cutPart takes the first part off what WithLengths wrote, and nothing that it would have
// written otherwise.
func cutPart(s string) (part, rest string, ok bool) {
	digits, rest, found := strings.Cut(s, ":")
	n, err := strconv.Atoi(digits)
	if !found || err != nil || n < 0 || n > len(rest) || strconv.Itoa(n) != digits {
		return "", "", false
	}
	return rest[:n], rest[n:], true
}
