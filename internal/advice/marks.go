package advice

import "time"

// Remembered is an error of an issuer that this process has not asked: Redis told of it.
type Remembered struct {
	Err   error
	Again time.Duration // until the issuer is asked again; 0: not known
}

func (e *Remembered) Error() string { return e.Err.Error() }

// Unwrap is for [errors.Is] and [errors.As].
func (e *Remembered) Unwrap() error { return e.Err }

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
	files Files
}

func (e *filedError) Error() string { return e.err.Error() }
func (e *filedError) Unwrap() error { return e.err }
