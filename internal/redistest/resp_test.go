package redistest

import (
	"bufio"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReadValue(t *testing.T) {
	for wire, want := range map[string][]string{
		"*2\r\n$3\r\nGET\r\n$4\r\na\r\nb\r\n":          {"GET", "a\r\nb"},
		"*3\r\n:1\r\n$-1\r\n+OK\r\n":                   {"1", "", "OK"},
		"*2\r\n*2\r\n:1\r\n:2\r\n$1\r\nx\r\n":          {"x"},
		">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$0\r\n\r\n": {"message", "c", ""},
		"%1\r\n+role\r\n+master\r\n":                   {"role", "master"},
		"~1\r\n=7\r\ntxt:abc\r\n":                      {"txt:abc"},
		"-ERR no\r\n":                                  nil,
		"$5\r\nhello\r\n":                              nil,
		"*0\r\n":                                       nil,
		"*-1\r\n":                                      nil,
		"_\r\n":                                        nil,
		",1.5\r\n":                                     nil,
	} {
		v, err := readValue(bufio.NewReader(strings.NewReader(wire + "+next\r\n")))
		require.NoError(t, err, "%q", wire)
		assert.Equal(t, wire, string(v.raw), "every byte, and not one more")
		assert.Equal(t, wire[0], v.kind)
		assert.Equal(t, want, v.words, "%q", wire)
	}
}

func TestReadValueOfNoRESP(t *testing.T) {
	for _, wire := range []string{"", "\r\n", "*x\r\n", "$x\r\n", "*1\r\n", "$5\r\nhel", "*1\r\n$x\r\n"} {
		_, err := readValue(bufio.NewReader(strings.NewReader(wire)))
		require.Error(t, err, "%q", wire)
	}
}
