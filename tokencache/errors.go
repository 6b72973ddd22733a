package tokencache

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"
)

// What callers branch on, with errors.Is.
var (
	// ErrClosed is returned by everything once the Cache is closed, and by a
	// Source once that is closed.
	ErrClosed = errors.New("tokencache: closed")
	// ErrRedis is in every error whose cause is Redis: not reachable, too slow
	// or unwilling. A [*RedisError] in the chain says which.
	ErrRedis = errors.New("tokencache: trouble with redis")
	// ErrIssuer is in every error whose cause is the issuer: a refusal, or no answer. An
	// [*IssuerError] in the chain says which.
	ErrIssuer = errors.New("tokencache: trouble with the issuer")
	// ErrExpired: the issuer's token was past its end before it could be stored.
	ErrExpired = errors.New("tokencache: token expired before it could be used")
	// ErrRejected: the issuer handed out a token that was just rejected.
	ErrRejected = errors.New("tokencache: issuer returned a rejected token")
	// ErrCoolDown is returned by Source.Invalidate for a token that was
	// rejected moments ago and that the issuer handed out again: asking once
	// more would not help yet.
	ErrCoolDown = errors.New("tokencache: token was rejected a moment ago")
)

// Class says what kind of refusal an [IssuerError] is, and thereby how long the
// fleet waits before the issuer is asked again. If the issuer said how long, the
// fleet waits that long instead, 250 ms to 5 min, whatever the class but
// ClassPermanent.
type Class uint8

const (
	// ClassTransient may pass by itself: 250 ms, doubling to 30 s.
	ClassTransient Class = iota
	// ClassUnknown is a refusal nobody has documented: 5 s, doubling to 1 min.
	ClassUnknown
	// ClassRateLimited is asking too often: 1 s, doubling to 1 min.
	ClassRateLimited
	// ClassQuota is a used-up quota: 5 min.
	ClassQuota
	// ClassPermanent needs a human: 60 s, doubling to 5 min.
	ClassPermanent
)

var classNames = [...]string{"transient", "unknown", "rate_limited", "quota", "permanent"}

// String returns the name as it stands in Redis and in metrics: "unknown" of a Class that there
// is not.
func (c Class) String() string {
	if int(c) < len(classNames) {
		return classNames[c]
	}
	return "unknown"
}

// NeedsPerson reports whether a person has to act before the issuer answers otherwise: of ClassPermanent
// and ClassQuota.
func (c Class) NeedsPerson() bool { return c == ClassPermanent || c == ClassQuota }

// parseClass is the inverse of Class.String; a name of a later version is unknown.
func parseClass(s string) Class {
	for i, name := range classNames {
		if s == name {
			return Class(i)
		}
	}
	return ClassUnknown
}

// IssuerError is an issuer's refusal, or the lack of an answer. It is shared
// with the fleet through Redis, so a replica may return one that another
// replica met. It never holds a secret, a body or a URL. That of a Fetcher is copied, and
// its texts are made one line each, of 800 bytes at the most; names and ids of 128.
type IssuerError struct {
	Issuer  string // name of the issuer, such as "feishu"
	Code    int    // the issuer's own code; 0 if it gave none
	Status  int    // HTTP status; 0 without an answer
	Message string // the issuer's words, or what went wrong
	LogID   string // names the request for the issuer's support
	Class   Class
	// Local marks what may be this replica's own trouble: no answer at all
	// (DNS, TLS, connection), or an address missing from an allow list. It
	// holds other replicas back for 1 s; doubling to 30 s only once more than
	// three Caches in a row, each another, whatever their names, have met it.
	Local bool
	// RetryAfter is how long the issuer asks to wait; of a failure that was read from Redis, what
	// is left of the time that it holds the fleet. 0: the issuer did not say.
	RetryAfter time.Duration
	// Advice says what a person should do. Empty: nothing but wait.
	Advice string
	// Err is the cause, if there is one, for errors.Is and errors.As; of a Fetcher it may be
	// wrapped. It does not travel through Redis.
	Err error
}

// Error reads: feishu refused: app secret invalid (code 10014, log id 2024…): check …
// Without a code nobody knows whether it was meant as a refusal: feishu answered: …
// Without an answer it is the name and the message alone.
func (e *IssuerError) Error() string {
	var b strings.Builder
	b.WriteString(e.Issuer)
	switch {
	case e.Code != 0:
		b.WriteString(" refused")
	case e.Status != 0:
		b.WriteString(" answered")
	}
	b.WriteString(": " + e.Message)
	var facts []string
	if e.Code != 0 {
		facts = append(facts, fmt.Sprintf("code %d", e.Code))
	}
	if e.Status != 0 && e.Status != 200 {
		facts = append(facts, fmt.Sprintf("HTTP %d", e.Status))
	}
	if e.LogID != "" {
		facts = append(facts, "log id "+e.LogID)
	}
	if e.RetryAfter > 0 {
		facts = append(facts, fmt.Sprintf("retry after %v", e.RetryAfter))
	}
	if len(facts) > 0 {
		b.WriteString(" (" + strings.Join(facts, ", ") + ")")
	}
	if e.Advice != "" {
		b.WriteString(": " + e.Advice)
	}
	return b.String()
}

// Is reports true for ErrIssuer.
func (e *IssuerError) Is(target error) bool { return target == ErrIssuer }

// LogValue is a group of what there is to know; it holds no secret.
func (e *IssuerError) LogValue() slog.Value {
	if e == nil {
		return slog.StringValue("none")
	}
	attrs := []slog.Attr{slog.String("message", e.Error()), slog.String("issuer", e.Issuer), slog.String("class", e.Class.String())}
	if e.Code != 0 {
		attrs = append(attrs, slog.Int("code", e.Code))
	}
	if e.Status != 0 {
		attrs = append(attrs, slog.Int("status", e.Status))
	}
	if e.LogID != "" {
		attrs = append(attrs, slog.String("log_id", e.LogID))
	}
	if e.RetryAfter > 0 {
		attrs = append(attrs, slog.Float64("retry_after_seconds", e.RetryAfter.Seconds()))
	}
	if e.Local {
		attrs = append(attrs, slog.Bool("local", true))
	}
	return slog.GroupValue(attrs...)
}

// Unwrap returns Err.
func (e *IssuerError) Unwrap() error { return e.Err }

// issuerErrorOf makes any error of a Fetcher a plain one of ours, which is safe to print,
// to share and to keep. It may panic: the error's methods are somebody else's.
func issuerErrorOf(credential Credential, err error) *IssuerError {
	e, ok := errors.AsType[*IssuerError](err)
	if !ok {
		return &IssuerError{Issuer: word(credential.Issuer()), Class: ClassTransient, Message: brief(err), Err: own(err)}
	}
	if e == nil { // a nil pointer that was returned as an error
		return &IssuerError{Issuer: word(credential.Issuer()), Class: ClassTransient, Message: "the fetcher returned a nil *IssuerError as its error"}
	}
	plain := *e
	plain.Issuer, plain.LogID, plain.Message, plain.Advice = word(e.Issuer), word(e.LogID), text(e.Message), text(e.Advice)
	if int(e.Class) >= len(classNames) {
		plain.Class = ClassUnknown // as others will read it
	}
	plain.Err = own(e.Err)
	return &plain
}

// brief is the message of an error that is not of our making: without the URL, whose
// query may hold a secret, and not as long as a body.
func brief(err error) string {
	if e, ok := errors.AsType[*url.Error](err); ok && e != nil && e.Err != nil {
		err = e.Err
	}
	return text(textOf(err))
}

// transient makes an error of ours in the issuer's name.
func (c Credential) transient(message string, err error) *IssuerError {
	return &IssuerError{Issuer: word(c.Issuer()), Class: ClassTransient, Message: message, Err: err}
}

// useless is the failure of a call that did give a token.
func (c Credential) useless(why error) *IssuerError { return c.transient(why.Error(), why) }

// rejectedInARow is why a process may not call: so many of the fresh tokens it got were rejected.
func (c Credential) rejectedInARow(row int, advice string) *IssuerError {
	e := c.transient(fmt.Sprintf("%d fresh tokens in a row were rejected", row), ErrRejected)
	e.Advice = advice
	return e
}

// directError is the failure of a call around Redis, and why that was called around.
type directError struct {
	issuer *IssuerError
	cause  error
}

func (e *directError) Error() string {
	return fmt.Sprintf("%v (asked directly, because of %v)", e.issuer, e.cause)
}

func (e *directError) Unwrap() []error { return []error{e.issuer, e.cause} }

// issuerErrorIn is the issuer's error that err is or begins with; nil if it is none. Unlike errors.As it
// asks no foreign error, and so may be called with a mutex.
func issuerErrorIn(err error) *IssuerError {
	switch e := err.(type) { //nolint:errorlint // see above
	case *IssuerError:
		return e
	case *directError:
		return e.issuer
	}
	return nil
}
