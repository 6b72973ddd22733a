package clients

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
)

// digest is what a Table keeps of a secret or a name.
type digest [sha256.Size]byte

// digester makes digests that mean nothing without its key, so that whoever measures how long a
// look-up takes learns nothing of a secret. The key comes first and no digest leaves the process,
// so that this needs no HMAC.
type digester struct{ key [32]byte }

func newDigester() (d digester) {
	_, _ = rand.Read(d.key[:]) // never fails
	return d
}

// of takes a text that is too long to be anybody's for the empty one, which is nobody's either.
func (d *digester) of(text string) digest {
	if len(text) > LongestSecret {
		text = ""
	}
	var room [len(d.key) + 96]byte // most texts fit
	return sha256.Sum256(append(append(room[:0], d.key[:]...), text...))
}

// equals takes as long whatever the digests.
func (d digest) equals(other digest) bool { return subtle.ConstantTimeCompare(d[:], other[:]) == 1 }
