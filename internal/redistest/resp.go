package redistest

import (
	"bufio"
	"errors"
	"io"
	"strconv"
	"strings"
)

// value is one RESP value, a request or a reply, as it came over the wire.
type value struct {
	raw   []byte
	kind  byte     // its first byte
	words []string // the strings directly inside: a request's name and arguments
}

var errProtocol = errors.New("redistest: not RESP")

// readValue reads one value. Redis and go-redis are trusted with its length.
func readValue(in *bufio.Reader) (value, error) {
	var v value
	err := v.read(in, 0)
	return v, err
}

func (v *value) read(in *bufio.Reader, depth int) error {
	line, err := v.line(in)
	if err != nil {
		return err
	}
	kind, rest := line[0], line[1:]
	if depth == 0 {
		v.kind = kind
	}
	switch kind {
	case '*', '~', '>':
		return v.elements(in, rest, 1, depth)
	case '%':
		return v.elements(in, rest, 2, depth)
	case '$', '=', '!':
		if rest, err = v.bulk(in, rest); err != nil {
			return err
		}
	}
	if depth == 1 {
		v.words = append(v.words, rest)
	}
	return nil
}

func (v *value) line(in *bufio.Reader) (string, error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return "", err
	}
	v.raw = append(v.raw, line...)
	if line = strings.TrimSuffix(line, "\r\n"); line == "" {
		return "", errProtocol
	}
	return line, nil
}

func (v *value) elements(in *bufio.Reader, length string, each, depth int) error {
	n, err := strconv.Atoi(length)
	if err != nil {
		return errProtocol
	}
	for range n * each {
		if err := v.read(in, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (v *value) bulk(in *bufio.Reader, length string) (string, error) {
	n, err := strconv.Atoi(length)
	if err != nil {
		return "", errProtocol
	}
	if n < 0 {
		return "", nil
	}
	body := make([]byte, n+len("\r\n"))
	if _, err := io.ReadFull(in, body); err != nil {
		return "", err
	}
	v.raw = append(v.raw, body...)
	return string(body[:n]), nil
}

// command splits a request; the name is in upper case.
func (v *value) command() (name string, args []string) {
	if len(v.words) == 0 {
		return "", nil
	}
	return strings.ToUpper(v.words[0]), v.words[1:]
}

// confirms reports whether v answers a change of subscriptions.
func (v *value) confirms() bool {
	return len(v.words) > 0 && strings.HasSuffix(v.words[0], "subscribe")
}
