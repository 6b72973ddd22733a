package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

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
type rememberedError struct {
	err   error
	again time.Duration // until the issuer is asked again; 0: not known
}

func (e *rememberedError) Error() string { return e.err.Error() }
func (e *rememberedError) Unwrap() error { return e.err }

// tlsError is trouble with a Redis that was asked for TLS.
type tlsError struct{ err error }

func (e *tlsError) Error() string { return e.err.Error() }
func (e *tlsError) Unwrap() error { return e.err }

// plainError is trouble with a Redis that hung up on a client that did not ask for TLS.
type plainError struct{ err error }

func (e *plainError) Error() string { return e.err.Error() }
func (e *plainError) Unwrap() error { return e.err }

// filedError is one whose advice is about variables, some of which named a file.
type filedError struct {
	err   error
	files files
}

func (e *filedError) Error() string { return e.err.Error() }
func (e *filedError) Unwrap() error { return e.err }

// withAdvice adds what to do next, where the error itself does not say.
func withAdvice(err error) string {
	text := inVariables(err)
	e, refused := errors.AsType[*tokencache.IssuerError](err)
	switch {
	case refused:
		return text + nextStep(err, e)
	case errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, tokencache.ErrRedis):
		return text + ": try again, raise --timeout, or look with --log-level debug"
	}
	return text
}

// inVariables says the advice in err, which is for callers of the packages, in
// words of this command: by the variable that is to be checked.
func inVariables(err error) string {
	text := err.Error()
	var from files
	if e, ok := errors.AsType[*filedError](err); ok {
		from = e.files
	}
	if e, ok := errors.AsType[*tokencache.IssuerError](err); ok && e.Advice != "" {
		text = strings.Replace(text, e.Advice, variablesInAdvice.Replace(e.Advice), 1)
	}
	if e, ok := errors.AsType[*tokencache.RedisError](err); ok {
		text = strings.Replace(text, e.Error(), onTLS(err)+e.Error()+variableFor(e), 1)
	}
	return from.named(text)
}

// onTLS is what to try first where one side alone seems to speak TLS.
func onTLS(err error) string {
	if _, ok := errors.AsType[*tlsError](err); ok {
		return "rediss:// needs a port that speaks TLS, check that of REDIS_URL: "
	}
	if _, ok := errors.AsType[*plainError](err); ok {
		return "if the port speaks TLS, begin REDIS_URL with rediss://: "
	}
	return ""
}

// variableFor names the variable that a trouble with Redis can be mended by, in
// brackets; nothing if it is to be mended in Redis.
func variableFor(e *tokencache.RedisError) string {
	switch e.Trouble {
	case tokencache.TroubleWrongType:
		return " (ONETOKEN_PREFIX)"
	case tokencache.TroubleOOM, tokencache.TroubleLoading, tokencache.TroubleMisconf, tokencache.TroubleNoPerm, tokencache.TroubleBusy,
		tokencache.TroubleTryAgain, tokencache.TroubleNoReplicas, tokencache.TroubleMasterDown, tokencache.TroubleClusterDown, tokencache.TroubleMaxClients:
		return ""
	}
	return " (REDIS_URL)"
}

var variablesInAdvice = strings.NewReplacer(
	"the base URL", "FEISHU_BASE_URL", "base URL", "FEISHU_BASE_URL",
	"the app id", "FEISHU_APP_ID", "app id", "FEISHU_APP_ID",
	"the app secret", "FEISHU_APP_SECRET", "app secret", "FEISHU_APP_SECRET",
)

// nextStep goes on where the advice of a refusal ends: when, or with which command, the issuer is
// asked again. It begins with a ": " where there is no advice.
func nextStep(err error, e *tokencache.IssuerError) string {
	remembered := memory(err, e)
	switch {
	case e.Class == tokencache.ClassPermanent && remembered != "":
		return remembered
	case e.Class == tokencache.ClassPermanent:
		return "; " + askAtOnce
	case e.Advice != "":
		return remembered
	case e.RetryAfter > 0:
		return ": try again in " + aboveSecond(e.RetryAfter) + remembered
	}
	return ": try again in a moment" + remembered
}

// askAtOnce is for a refusal that the fleet remembers.
const askAtOnce = "once that is mended, onetoken refresh asks at once"

// aboveSecond is never sooner than d.
func aboveSecond(d time.Duration) string { return (d.Truncate(time.Second) + time.Second).String() }

// memory tells an error that the fleet remembers from a fresh one: what was
// mended since then cannot show yet, unless it is the id or secret:
// others are another key in Redis.
func memory(err error, e *tokencache.IssuerError) string {
	remembered, ok := errors.AsType[*rememberedError](err)
	if !ok {
		return ""
	}
	again := "up to 5 min"
	if remembered.again > 0 {
		again = aboveSecond(remembered.again)
	}
	text := "; remembered from an earlier call, the issuer is asked again in " + again
	if e.Class == tokencache.ClassPermanent {
		text += ", with another id or secret at once; " + askAtOnce
	}
	return text
}

// say writes one line.
func say(w io.Writer, line string) { _, _ = fmt.Fprintln(w, "onetoken: "+terminal.Printable(line)) }
