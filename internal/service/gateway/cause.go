package gateway

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
)

// inFixedWords says of an error of a transport what helps an operator, without a word of the request's or the API's. It
// wraps nothing.
func inFixedWords(err error) error {
	var unknown *net.DNSError
	var number syscall.Errno
	var op *net.OpError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New("no answer in time")
	case isOfCertificates(err):
		return errors.New("the API's certificate is not good: see ca_file")
	case errors.As(err, &unknown):
		return errors.New("the API's host was not found")
	case errors.As(err, &op) && op.Timeout():
		return fmt.Errorf("%s: no answer in time", op.Op)
	case errors.As(err, &op) && errors.As(err, &number):
		return fmt.Errorf("%s: %s", op.Op, number.Error())
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the API closed the connection")
	case errors.Is(err, errNotAsked), errors.Is(err, errStatus), errors.Is(err, errNoWay):
		return err
	}
	return errors.New("the answer, or the request, is no HTTP that can be passed on")
}

func isOfCertificates(err error) bool {
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	return errors.As(err, &authority) || errors.As(err, &host) || errors.As(err, &invalid)
}

// What an answer may be, and is not passed on for.
var (
	errNotAsked = errors.New("the API has switched to a protocol that nobody asked for")
	errStatus   = errors.New("the API answered with a status below 200")
	errNoWay    = errors.New("the credential is of no app that has APIs")
)
