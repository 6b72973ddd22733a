package clients

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
)

// sealInfo has the keys be for this alone (RFC 5869, section 3.2): what else may be made of a secret takes
// other words. A change of it, too, ends every seal that there is.
const sealInfo = "onetoken stand-in 1"

// sealer makes the seals of one secret.
type sealer struct {
	secret digest // by which BySecret finds the client
	key    [sha256.Size]byte
}

// noSealer takes the place of a secret that there is not. Nothing that it seals counts.
var noSealer = &sealer{}

// newSealer is noSealer for a secret that is none, of which New complains.
func newSealer(secret string, found digest) *sealer {
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, sealInfo, sha256.Size)
	if err != nil { // as FIPS 140 has it of short ones
		return noSealer
	}
	return &sealer{found, [sha256.Size]byte(key)}
}

func (s *sealer) seal(message string) []byte {
	mac := hmac.New(sha256.New, s.key[:])
	mac.Write([]byte(message))
	return mac.Sum(make([]byte, 0, sha256.Size))
}

// sealerOf is that of the secret with the digest; nil if the member has no such secret.
func (m *member) sealerOf(secret digest) *sealer {
	for _, s := range m.sealers {
		if s != noSealer && s.secret.equals(secret) {
			return s
		}
	}
	return nil
}

// Seal returns 32 bytes that show that the message is this client's: [Table.BySeal] takes them, of every
// service that has the client with the secret by which it was found here, and of none once that secret has gone.
// False unless it was found by a secret, or by a seal. The message may be anything; it costs one HMAC-SHA256.
func (id Identity) Seal(message string) (seal []byte, ok bool) {
	if id.sealer == nil {
		return nil, false
	}
	return id.sealer.seal(message), true
}

// BySeal finds the client of the name, if the seal is one of the message, by any of its secrets. It costs one
// HMAC-SHA256 if it is by the first of them, else two, also if there is no such client or no second secret:
// a refusal takes the same steps whoever is refused. Bound the message, which costs as much as it is long.
func (t *Table) BySeal(name, message string, seal []byte) (Identity, bool) {
	m, known := t.members[name]
	if !known {
		m = nobody
	}
	for _, s := range m.sealers {
		if hmac.Equal(s.seal(message), seal) && s != noSealer {
			return Identity{m, Sealed, s}, true
		}
	}
	return Identity{}, false
}
