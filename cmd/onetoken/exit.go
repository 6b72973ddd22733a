package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

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
		say(w, withAdvice(err))
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

// rememberedError is of an issuer that this process has not asked.
type rememberedError struct{ err error }

func (e *rememberedError) Error() string { return e.err.Error() }
func (e *rememberedError) Unwrap() error { return e.err }

// withAdvice adds what to do next, where the error itself does not say.
func withAdvice(err error) string {
	if e, ok := errors.AsType[*tokencache.IssuerError](err); ok {
		return err.Error() + adviceOn(e) + memory(err, e)
	}
	if errors.Is(err, tokencache.ErrRedis) {
		return err.Error() + ": see REDIS_URL"
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return err.Error() + ": try again, raise --timeout, or look with --log-level debug"
	}
	return err.Error()
}

func adviceOn(e *tokencache.IssuerError) string {
	switch {
	case e.Advice == "":
		return ": try again in a moment"
	case strings.Contains(e.Advice, "base URL"):
		return " (FEISHU_BASE_URL)"
	}
	return ""
}

// memory tells an error that the fleet remembers from a fresh one: what was
// mended since then cannot show yet.
func memory(err error, e *tokencache.IssuerError) string {
	if _, ok := errors.AsType[*rememberedError](err); !ok {
		return ""
	}
	again := "up to 5 min"
	if e.RetryAfter > 0 {
		again = (e.RetryAfter.Truncate(time.Second) + time.Second).String()
	}
	return "; remembered from an earlier call, the issuer is asked again in " + again
}

// say writes one line. Parts of it come from the network, so nothing in it may
// move the cursor or begin another line.
func say(w io.Writer, line string) {
	line = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, line)
	_, _ = fmt.Fprintln(w, "onetoken: "+strings.Join(strings.Fields(line), " "))
}
