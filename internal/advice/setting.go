package advice

import (
	"errors"
	"io"
	"strings"
	"syscall"

	"github.com/onetoken-go/onetoken/internal/terminal"
	"github.com/onetoken-go/onetoken/tokencache"
)

// Setting is what a command's environment adds to an error. The zero one has no files and no TLS.
type Setting struct {
	Files Files
	TLS   bool // REDIS_URL asks for it
}

// Mark has err know which values came from files, and whether Redis was asked for TLS, where only
// one side seems to speak it.
func (s Setting) Mark(err error) error {
	if err == nil {
		return nil
	}
	if len(s.Files) > 0 {
		err = &filedError{err, s.Files}
	}
	trouble, ok := errors.AsType[*tokencache.RedisError](err)
	switch {
	case ok && s.TLS && (trouble.Trouble == tokencache.TroubleTimeout || hungUp(trouble) || strings.Contains(trouble.Error(), notTLS)):
		return &tlsError{err} // who does not speak it may wait for the rest of a command that is none
	case ok && !s.TLS && hungUp(trouble):
		return &plainError{err}
	}
	return err
}

// notTLS is how crypto/tls tells an answer in plain text.
const notTLS = "first record does not look like a TLS handshake"

func hungUp(e *tokencache.RedisError) bool {
	return errors.Is(e, io.EOF) || errors.Is(e, syscall.ECONNRESET) || errors.Is(e, syscall.EPIPE)
}

// Words are those of an error for people, in one line, by the variables that were set.
func (s Setting) Words(err error) string { return terminal.Printable(InVariables(s.Mark(err))) }

// Apart is an error's text without its advice, and the advice, in which the variables are those
// that no file stands in for: see [Files.Named]. Without any advice todo is "".
func (s Setting) Apart(err error) (text, todo string) {
	text = err.Error()
	var all []string
	if e, ok := errors.AsType[*tokencache.IssuerError](err); ok {
		text = without(text, e.Advice)
		all = append(all, strings.TrimPrefix(variablesInAdvice.Replace(e.Advice)+nextStep(err, e), ": "))
	}
	if e, ok := errors.AsType[*tokencache.RedisError](err); ok {
		own := e.Advice()
		text = without(text, own)
		all = append(all, onTLS(s.Mark(err))+own+variableFor(e))
	}
	return text, strings.Join(all, "; ")
}

// without cuts the advice from the end of an error's text, or of one within.
func without(text, advice string) string {
	if advice == "" {
		return text
	}
	return strings.Replace(text, ": "+advice, "", 1)
}
