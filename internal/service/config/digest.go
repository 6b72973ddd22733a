package config

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"sync"
)

// digestKey is this process' own: a digest, wherever it is shown, is no means to guess a secret.
var digestKey = sync.OnceValue(func() []byte {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // never fails: see its documentation
	return key
})

// digest is of a row of texts.
type digest struct{ hash hash.Hash }

func newDigest() digest { return digest{hmac.New(sha256.New, digestKey())} }

// add tells ("ab", "c") from ("a", "bc").
func (d digest) add(texts ...string) {
	for _, text := range texts {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(text)))
		d.hash.Write(size[:])
		d.hash.Write([]byte(text))
	}
}

func (d digest) sum() string { return hex.EncodeToString(d.hash.Sum(nil)) }

func digestOf(texts ...string) string {
	d := newDigest()
	d.add(texts...)
	return d.sum()
}
