package main

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/onetoken-go/onetoken/internal/pause"
	"github.com/onetoken-go/onetoken/internal/smallfile"
)

// The file of the secret is read on a timer, by content, because mounts swap links, and at once
// when the issuer refuses the secret. A reading catches a writer in place halfway now and then:
// only two in a row that are the same count.
const (
	secretPoll = 2 * time.Second
	settling   = 250 * time.Millisecond // between two readings that have to be the same
)

var (
	errNotRegular = errors.New("it is no regular file any more")
	errRestless   = errors.New("no reading of it has ended, or no two in a row were the same, for " + readTime.String())
)

// reading is what was found in the file, or why nothing was.
type reading struct {
	raw string
	err error
}

func (r reading) is(other reading) bool {
	if r.err == nil || other.err == nil {
		return r.err == other.err && r.raw == other.raw //nolint:errorlint // one of them is nil
	}
	return r.err.Error() == other.err.Error()
}

// followFile reports each reading that is like the one before, and closes reports when ctx ends,
// or at once if there is no file to follow: standard input, or a pipe, has been read. It hangs
// as long as a mount does.
func followFile(ctx context.Context, file string, early <-chan struct{}, reports chan<- reading) {
	defer close(reports)
	if file == "-" || isPipe(file) {
		return
	}
	last := readRegular(file)
	for wait := secretPoll; pause.For(ctx, wait, early); {
		got := readRegular(file)
		if !got.is(last) {
			last, wait = got, settling
			continue
		}
		wait = secretPoll
		select {
		case reports <- got:
		case <-ctx.Done():
		}
	}
}

// isPipe is of what can be read once. A file that is gone for the moment is a file.
func isPipe(file string) bool {
	info, err := os.Stat(file)
	return err == nil && !info.Mode().IsRegular()
}

func readRegular(file string) reading {
	raw, err := smallfile.Read(file, maxFile)
	if errors.Is(err, smallfile.ErrNotRegular) {
		err = errNotRegular
	}
	return reading{raw, err}
}

// reasons are those that have been told.
type reasons map[string]bool

// mostReasons bounds what a file costs that is spoiled in ever new ways.
const mostReasons = 16

// add reports whether a reason is to be told: each once.
func (r *reasons) add(why string) bool {
	if (*r)[why] || len(*r) >= mostReasons {
		return false
	}
	if *r == nil {
		*r = make(reasons)
	}
	(*r)[why] = true
	return true
}
