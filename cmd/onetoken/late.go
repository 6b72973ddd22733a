package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/onetoken-go/onetoken/internal/witness"
	"github.com/onetoken-go/onetoken/tokencache"
)

// lateError: there was no token in time. err says why, as far as it is known.
type lateError struct {
	timeout time.Duration
	err     error
}

func (e *lateError) Error() string { return fmt.Sprintf("no token within %v: %v", e.timeout, e.err) }
func (e *lateError) Unwrap() error { return e.err }

// explained says of a token that was late what kept it, which is known only when the call has
// ended; kept is what can be said otherwise, or nil.
func explained(err error, seen witness.Seen, kept error) error {
	late, ok := errors.AsType[*lateError](err)
	if !ok {
		return err
	}
	if _, known := errors.AsType[*tokencache.IssuerError](late.err); known {
		return err
	}
	switch {
	case seen.Refused != nil && seen.Direct && seen.Redis != nil:
		return &lateError{late.timeout, fmt.Errorf("%w (asked directly, because of %w)", seen.Refused, seen.Redis)}
	case seen.Refused != nil:
		return &lateError{late.timeout, seen.Refused}
	case seen.Redis != nil && !seen.Called:
		return &lateError{late.timeout, seen.Redis}
	case seen.Called && seen.Direct:
		return &lateError{late.timeout, errors.New("the issuer's answer came later: raise --timeout")}
	case seen.Called:
		return &lateError{late.timeout, errors.New("the issuer's answer came later, and all have it now: see onetoken status")}
	case kept != nil:
		return &lateError{late.timeout, kept}
	}
	return err
}
