package bearer

import (
	"net/http"
	"slices"
	"strings"
)

// RFC6750Rejects takes a reply of 401 as a rejection if its WWW-Authenticate has a challenge with
// the scheme Bearer and error="invalid_token": expired, revoked, malformed, or invalid otherwise
// (RFC 6750, 3.1). A bare 401, or one with insufficient_scope, is none: another token would not help.
// The reason it gives is "invalid_token". It reads nothing of the body.
func RFC6750Rejects(resp *http.Response) (reason string, rejected bool) {
	if resp.StatusCode != http.StatusUnauthorized {
		return "", false
	}
	for _, line := range resp.Header["Www-Authenticate"] {
		if slices.ContainsFunc(challenges(line), challenge.saysInvalidToken) {
			return invalidToken, true
		}
	}
	return "", false
}

const invalidToken = "invalid_token"

// challenge is one of those that a WWW-Authenticate may list (RFC 9110, 11.3 to 11.6).
type challenge struct {
	scheme string
	params []param
}

// param has a value in plain, without quotes and backslashes.
type param struct{ name, value string }

// saysInvalidToken is not sure of an error that is there twice, which RFC 6750 forbids.
func (c challenge) saysInvalidToken() bool {
	if !strings.EqualFold(c.scheme, "Bearer") {
		return false
	}
	times := 0
	says := false
	for _, p := range c.params {
		if strings.EqualFold(p.name, "error") {
			times++
			says = p.value == invalidToken
		}
	}
	return says && times == 1
}

// challenges are those of one line, up to the first that is malformed. Commas part both the
// challenges and the parameters of one: what is followed by "=" is a parameter of the challenge
// before it.
func challenges(line string) (all []challenge) {
	s := scanner{rest: line}
	for {
		s.commas()
		if s.rest == "" {
			return all
		}
		if p, ok := s.param(); ok {
			if len(all) == 0 {
				return nil
			}
			last := &all[len(all)-1]
			last.params = append(last.params, p)
		} else {
			c, ok := s.challenge()
			if !ok {
				return all
			}
			all = append(all, c)
		}
		if !s.ends() {
			return all[:len(all)-1] // a challenge cut short says nothing
		}
	}
}

// scanner takes one thing after the other from the beginning of a line. What is not there it does
// not take.
type scanner struct{ rest string }

// challenge takes a scheme and what follows it: nothing, a token68, or the first parameter.
func (s *scanner) challenge() (c challenge, ok bool) {
	if c.scheme, ok = s.token(); !ok {
		return c, false
	}
	if s.spaces() == 0 || s.ends() || s.token68() {
		return c, true
	}
	p, ok := s.param()
	c.params = []param{p}
	return c, ok
}

// param takes name, "=" and a value: a token, or a quoted string.
func (s *scanner) param() (p param, ok bool) {
	before := s.rest
	if p.name, ok = s.token(); ok {
		s.spaces()
		if rest, found := strings.CutPrefix(s.rest, "="); found {
			s.rest = rest
			s.spaces()
			if p.value, ok = s.value(); ok {
				return p, true
			}
		}
	}
	s.rest = before
	return p, false
}

func (s *scanner) value() (string, bool) {
	if strings.HasPrefix(s.rest, `"`) {
		return s.quoted()
	}
	return s.token()
}

// quoted takes a quoted string, in which a backslash stands before any byte.
func (s *scanner) quoted() (string, bool) {
	var plain strings.Builder
	for i := 1; i < len(s.rest); i++ {
		switch b := s.rest[i]; b {
		case '"':
			s.rest = s.rest[i+1:]
			return plain.String(), true
		case '\\':
			if i++; i == len(s.rest) {
				return "", false
			}
			plain.WriteByte(s.rest[i])
		default:
			plain.WriteByte(b)
		}
	}
	return "", false
}

func (s *scanner) token() (string, bool) {
	n := 0
	for n < len(s.rest) && isTokenByte(s.rest[n]) {
		n++
	}
	token := s.rest[:n]
	s.rest = s.rest[n:]
	return token, n > 0
}

// token68 takes the one value of a scheme such as Negotiate, if it is all up to a comma or the end.
func (s *scanner) token68() bool {
	before := s.rest
	rest := strings.TrimLeftFunc(s.rest, func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-._~+/", r)
	})
	if len(rest) < len(before) {
		s.rest = strings.TrimLeft(rest, "=")
		if s.ends() {
			return true
		}
	}
	s.rest = before
	return false
}

func (s *scanner) spaces() (n int) {
	rest := strings.TrimLeft(s.rest, " \t")
	n = len(s.rest) - len(rest)
	s.rest = rest
	return n
}

// commas takes what may stand between two elements of a list, of which some may be empty.
func (s *scanner) commas() { s.rest = strings.TrimLeft(s.rest, ", \t") }

// ends reports whether an element of the list ends here.
func (s *scanner) ends() bool {
	s.spaces()
	return s.rest == "" || s.rest[0] == ','
}
