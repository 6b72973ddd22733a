// Package smallfile reads what a person has named: a configuration, a secret, a certificate. Each read is bounded,
// and waits for as long as the caller wants. No error has the path in it, which may be a secret in the wrong place.
package smallfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// ErrNotRegular is of what cannot be read again, or not at all.
var ErrNotRegular = errors.New("it is no regular file, but a folder, a pipe or a device")

// Read returns what is in a regular file, of so many bytes at most. It does not wait for anybody to write to what is a
// pipe, be it since the first look; a file system that hangs it waits for.
func Read(path string, longest int) (string, error) {
	if err := regular(os.Stat(path)); err != nil {
		return "", err
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return "", WithoutPath(err)
	}
	defer f.Close() //nolint:errcheck // only read
	if err := regular(f.Stat()); err != nil {
		return "", err
	}
	return Bounded(f, longest)
}

func regular(info fs.FileInfo, err error) error {
	switch {
	case err != nil:
		return WithoutPath(err)
	case !info.Mode().IsRegular():
		return ErrNotRegular
	}
	return nil
}

// Bounded reads to the end, which has to come within so many bytes.
func Bounded(r io.Reader, longest int) (string, error) {
	raw, err := io.ReadAll(io.LimitReader(r, int64(longest)+1))
	switch {
	case err != nil:
		return "", WithoutPath(err)
	case len(raw) > longest:
		return "", fmt.Errorf("it is larger than %d KiB", longest>>10)
	}
	return string(raw), nil
}

// Aside leaves a read behind when ctx ends, whose error it returns then: nothing else ends a read of a pipe, of a
// terminal, or of a file system that hangs.
func Aside(ctx context.Context, read func() (string, error)) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	type result struct {
		text string
		err  error
	}
	done := make(chan result, 1)
	go func() {
		text, err := read()
		done <- result{text, err}
	}()
	select {
	case r := <-done:
		return r.text, r.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// CutNewline cuts the last one, as editors and echo leave it.
func CutNewline(text string) string { return strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r") }

// WithoutPath drops the file's name from an error.
func WithoutPath(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}
