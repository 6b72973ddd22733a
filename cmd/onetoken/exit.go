package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/onetoken-go/onetoken/internal/advice"
	"github.com/onetoken-go/onetoken/internal/terminal"
	"github.com/onetoken-go/onetoken/tokencache"
)

// Exit codes. Scripts branch on them, so they do not change.
const (
	exitOK      = 0
	exitFailed  = 1 // it did not work out this time
	exitUsage   = 2 // arguments or configuration: nothing was tried
	exitRefused = 3 // the issuer refused, and a person has to act
)

// usageError is about arguments or configuration. Every error joined in it is
// a complaint with a line of its own.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usage(err error) error {
	if err == nil {
		return nil
	}
	return &usageError{err}
}

// report writes err for people and returns the exit code for scripts: one line,
// or one for each complaint about the configuration.
func report(w io.Writer, err error) int {
	code := exitCode(err)
	if code == exitUsage {
		for _, complaint := range joined(err) {
			say(w, complaint.Error())
		}
	} else if err != nil {
		say(w, advice.Full(err))
	}
	return code
}

func exitCode(err error) int {
	if err == nil {
		return exitOK
	}
	if _, ok := errors.AsType[*usageError](err); ok {
		return exitUsage
	}
	if e, ok := errors.AsType[*tokencache.IssuerError](err); ok && e.Class == tokencache.ClassPermanent {
		return exitRefused
	}
	return exitFailed
}

// joined takes apart what errors.Join put together, whatever it was wrapped in.
func joined(err error) []error {
	switch e := err.(type) { //nolint:errorlint // walks the chain link by link
	case *usageError:
		return joined(e.err)
	case interface{ Unwrap() error }:
		if parts := joined(e.Unwrap()); len(parts) > 1 {
			return parts
		}
	case interface{ Unwrap() []error }:
		var all []error
		for _, one := range e.Unwrap() {
			all = append(all, joined(one)...)
		}
		return all
	}
	return []error{err}
}

// say writes one line.
func say(w io.Writer, line string) { _, _ = fmt.Fprintln(w, "onetoken: "+terminal.Printable(line)) }
