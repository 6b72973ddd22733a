package config

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// panics in the place of the parser.
type panics struct{}

func (panics) Read([]byte) (int, error) { panic("theirs") }

// A panic of the parser is one more way in which a file cannot be read.
func TestPanicOfTheParser(t *testing.T) {
	document, err := decode(yaml.NewDecoder(panics{}))
	assert.Nil(t, document)
	require.ErrorIs(t, err, errPanic)
	r := newReader("f.yaml", nil)
	r.complainOfSyntax("", err)
	assert.EqualError(t, r.err(), "f.yaml:1:1: this is no YAML: look for a missing quotation mark, bracket or colon here and in the lines before")
}
