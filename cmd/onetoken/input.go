package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/onetoken-go/onetoken/internal/advice"
	"github.com/onetoken-go/onetoken/internal/smallfile"
)

// maxFile bounds what is read from a file: a URL or a secret, not a log.
const maxFile = 64 << 10

// readTime bounds what is read of the configuration where there is no --timeout.
const readTime = 15 * time.Second

var (
	errUnended = errors.New("it did not end in time: is it a pipe, or standard input, that nobody writes to?")
	errStopped = errors.New("interrupted")
)

// input is where values come from: variables, the files that stand in for them, and standard input.
type input struct {
	getenv  func(string) string
	stdin   io.Reader
	stdinOf string       // the variable that was read from it
	files   advice.Files // that were named
	late    bool         // a read did not end in time
	stopped bool         // by a signal, while something was read
}

// errUnread is of a file that was not read because the time went by with another: nothing may be
// wrong with this one.
var errUnread = errors.New("not read")

// value reads the variable, or the file that the variable with _FILE names.
// Neither is set: "". Its error is errUnread or a complaint, which quotes nothing.
func (in *input) value(ctx context.Context, name string) (string, error) {
	value, file := in.getenv(name), in.getenv(name+"_FILE")
	switch {
	case file == "" && value == "-":
		return "", fmt.Errorf("%s is \"-\", which is no value: for standard input set %s_FILE to it", name, name)
	case file == "":
		return value, nil
	case value != "":
		return "", fmt.Errorf("%s and %s_FILE are both set: keep one", name, name)
	case in.late && ctx.Err() != nil:
		return "", errUnread
	}
	if in.files == nil {
		in.files = advice.Files{}
	}
	in.files[name] = file
	if _, limited := ctx.Deadline(); !limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, readTime)
		defer cancel()
	}
	raw, err := in.read(ctx, file, name+"_FILE")
	if err != nil {
		in.late = in.late || errors.Is(err, errUnended)
		in.stopped = in.stopped || errors.Is(err, errStopped)
		return "", fmt.Errorf("%s_FILE cannot be read: %w", name, err)
	}
	value = smallfile.CutNewline(raw)
	if value == "" {
		return "", fmt.Errorf("%s_FILE names an empty file: write the value into it", name)
	}
	return value, nil
}

func (in *input) read(ctx context.Context, file, whose string) (string, error) {
	if file != "-" {
		return readFile(ctx, file)
	}
	if in.stdinOf != "" {
		return "", fmt.Errorf("standard input is taken by %s already", in.stdinOf)
	}
	in.stdinOf = whose
	return readAside(ctx, func() (string, error) { return smallfile.Bounded(in.stdin, maxFile) })
}

// readFile may be asked for a pipe, whose opening blocks too.
func readFile(ctx context.Context, file string) (string, error) {
	return readAside(ctx, func() (string, error) {
		f, err := os.Open(file)
		if err != nil {
			return "", smallfile.WithoutPath(err)
		}
		defer f.Close() //nolint:errcheck // only read
		return smallfile.Bounded(f, maxFile)
	})
}

// readAside leaves read behind when ctx ends.
func readAside(ctx context.Context, read func() (string, error)) (string, error) {
	text, err := smallfile.Aside(ctx, read)
	switch {
	case err == nil || ctx.Err() == nil || !errors.Is(err, ctx.Err()):
		return text, err
	case errors.Is(err, context.Canceled):
		return "", errStopped
	}
	return "", errUnended
}
