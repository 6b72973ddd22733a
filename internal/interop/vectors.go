// Package interop reads the test vectors of docs/interop.md, and has a reader of records
// each for Node and Python: open.mjs and open.py, small and without dependencies but their
// cryptography, to be copied. They read a Document on standard input and print the tokens.
package interop

import (
	"bytes"
	"encoding/json"
	"os"
)

// Vectors are docs/interop.json: part of the contract, so that what is in it never changes.
type Vectors struct {
	About   string    `json:"about"`
	Vectors []Vector  `json:"vectors"`
	Refused []Refusal `json:"refused"`
}

// Vector is what has to come of the parts of a credential, and of a token. Key and nonces
// are in hex.
type Vector struct {
	Name           string   `json:"name"`
	About          string   `json:"about"`
	Public         []string `json:"public"`
	Secret         []string `json:"secret"`
	Digest         string   `json:"digest"`
	Key            string   `json:"key"`
	ID             string   `json:"id"`
	App            string   `json:"app_access_token"`
	Tenant         string   `json:"tenant_access_token"`
	Plaintext      string   `json:"plaintext"`
	AdditionalData Kinds    `json:"additional_data"`
	Nonces         Kinds    `json:"nonces"`
	Record         Record   `json:"record"`
	Events         Events   `json:"events"`
}

// Kinds is one text for each kind of seal.
type Kinds struct {
	Record    string `json:"record"`
	Token     string `json:"token"`
	Rejection string `json:"rejection"`
}

// Events are what is published with the token, and with its rejection.
type Events struct {
	Token     string `json:"token"`
	Rejection string `json:"rejection"`
}

// Record is what a reader needs of the fields of a token key, and the sum that scripts check.
type Record struct {
	Sealed      string `json:"sealed"`
	Fingerprint string `json:"fingerprint"`
	Life        string `json:"life"`
	Sum         string `json:"sum,omitempty"`
	EndsAt      string `json:"ends_at,omitempty"`
}

// Document is what a reader takes. Without an ID it makes one of the public parts. With the
// TTL of the key it says how long the token lasts; then it needs EndsAt and Redis' time.
type Document struct {
	Public []string `json:"public"`
	Secret []string `json:"secret"`
	ID     string   `json:"id,omitempty"`
	Record Record   `json:"record"`
	PTTL   *int64   `json:"pttl,omitempty"` // ms
	Now    *int64   `json:"now,omitempty"`  // ms
}

// Refusal is a Document that no reader may open, and why.
type Refusal struct {
	Why string `json:"why"`
	Document
}

// Read returns the vectors in the file of that name.
func Read(name string) (Vectors, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return Vectors{}, err
	}
	var v Vectors
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	err = decoder.Decode(&v)
	return v, err
}
