package bearer

import (
	"errors"
	"slices"
	"strings"
)

// hush returns an error that does not show the token. Those of an http.Transport never do; but a
// Base may quote the URL it called, in which the token stands if Place is a query parameter.
func hush(err error, token string) error {
	if !says(err, token) {
		return err
	}
	return &hushed{func() (string, error) { return token, err }}
}

// says reports whether an error, or one that it wraps, shows the token.
func says(err error, token string) bool {
	if err == nil {
		return false
	}
	if mentions(err.Error(), token) {
		return true
	}
	switch wrapper := err.(type) { //nolint:errorlint // each error of the tree by itself
	case interface{ Unwrap() error }:
		return says(wrapper.Unwrap(), token)
	case interface{ Unwrap() []error }:
		return slices.ContainsFunc(wrapper.Unwrap(), func(one error) bool { return says(one, token) })
	}
	return false
}

// hushed has no Unwrap: an error further down, such as an url.Error, would print the URL. errors.Is
// finds what is in it all the same. It keeps the error behind a func value, into which nothing that
// prints looks.
type hushed struct {
	what func() (token string, err error)
}

func (h *hushed) Error() string {
	token, err := h.what()
	text := err.Error()
	for _, form := range spelledOut(token) {
		text = strings.ReplaceAll(text, form, "[token]")
	}
	if mentions(text, token) {
		return "bearer: an error of Base that holds the access token, and is not shown"
	}
	return text
}

func (h *hushed) Is(target error) bool {
	_, err := h.what()
	return errors.Is(err, target)
}

// Timeout is for url.Error.
func (h *hushed) Timeout() bool {
	_, err := h.what()
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}
