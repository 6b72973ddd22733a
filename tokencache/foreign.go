package tokencache

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/onetoken-go/onetoken/internal/wire"
)

// What others give us, a Fetcher, a Redis client or whoever can write to Redis, is not
// trusted: neither to be short, nor to be one line, nor to print without a panic.

// Bounds of what others say, in bytes.
const (
	longestText = 800              // of a message or advice: 200 characters of any alphabet
	longestWord = wire.LongestName // of a name, an app id or a log id
)

// text makes one line of what others say: valid UTF-8, without control characters, cut.
func text(s string) string { return cut(s, longestText) }

// word is text for names and ids.
func word(s string) string { return cut(s, longestWord) }

func cut(s string, longest int) string {
	const ellipsis = "…"
	long := len(s) > longest
	if long { // first: it may be a body of a gigabyte
		s = s[:longest]
	}
	s = strings.Map(harmless, strings.ToValidUTF8(s, "?"))
	if !long && len(s) <= longest {
		return s
	}
	s = s[:min(len(s), longest-len(ellipsis))]
	for len(s) > 0 {
		if r, size := utf8.DecodeLastRuneInString(s); r != utf8.RuneError || size > 1 {
			break
		}
		s = s[:len(s)-1]
	}
	return s + ellipsis
}

// harmless spares terminals and logs what is not printed: control characters, newlines, and
// what turns the direction of writing.
func harmless(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return ' '
}

// own returns an error that can be kept, printed and asked by errors.Is and errors.As from
// any goroutine: err itself if all of its tree is of types that are known to be harmless, else
// one with its text of now, which asks err but survives its panics.
func own(err error) error {
	if err == nil || known(err) {
		return err
	}
	return &foreignError{text: textOf(err), cause: func() error { return err }}
}

// foreignError keeps its cause behind a func value, where neither fmt nor slog look.
type foreignError struct {
	text  string
	cause func() error
}

func (e *foreignError) Error() string { return e.text }

// Is asks the cause.
func (e *foreignError) Is(target error) (is bool) {
	defer func() {
		if recover() != nil {
			is = false
		}
	}()
	return errors.Is(e.cause(), target)
}

// As asks the cause. A nil pointer is no answer: it would be called.
func (e *foreignError) As(target any) (as bool) {
	defer func() {
		if recover() != nil {
			as = false
		}
	}()
	return errors.As(e.cause(), target) && !isNil(reflect.ValueOf(target).Elem().Interface())
}

// harmlessPackages have errors that do nothing but what they say, and wrap others openly.
var harmlessPackages = map[string]bool{
	"context": true, "crypto/tls": true, "crypto/x509": true, "encoding/json": true, "errors": true, "fmt": true,
	"internal/poll": true, "io": true, "io/fs": true, "net": true, "net/http": true, "net/url": true, "os": true, "syscall": true,
	"github.com/redis/go-redis/v9": true, "github.com/redis/go-redis/v9/internal/pool": true,
	"github.com/redis/go-redis/v9/internal/proto": true, "github.com/bsm/redislock": true,
	reflect.TypeFor[foreignError]().PkgPath(): true,
}

// known reports whether the whole tree of an error is of harmless types. It calls nothing
// of any other.
func known(err error) bool {
	t := reflect.TypeOf(err)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if !harmlessPackages[t.PkgPath()] || isNil(err) {
		return false
	}
	switch e := err.(type) { //nolint:errorlint // walks the tree link by link
	case interface{ Unwrap() error }:
		cause := e.Unwrap()
		return cause == nil || known(cause)
	case interface{ Unwrap() []error }:
		for _, cause := range e.Unwrap() {
			if cause == nil || !known(cause) {
				return false
			}
		}
	}
	return true
}

// textOf is an error's text, whatever happens when it is asked for.
func textOf(err error) (s string) {
	defer func() {
		if p := recover(); p != nil {
			s = fmt.Sprintf("an error of type %T, which panicked when asked for its text", err)
		}
	}()
	return err.Error()
}

// isNil reports whether v is nil, or a nil pointer, func, map or the like in an interface.
func isNil(v any) bool {
	if v == nil {
		return true
	}
	switch value := reflect.ValueOf(v); value.Kind() {
	case reflect.Pointer, reflect.Func, reflect.Map, reflect.Chan, reflect.Slice, reflect.UnsafePointer:
		return value.IsNil()
	default:
		return false
	}
}
