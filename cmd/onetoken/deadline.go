package main

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/onetoken-go/onetoken/tokencache"
)

// What a command may take beyond its --timeout: a call under way is finished for the others for
// so long, and then the lock is released and the refusal shared. Whatever does not answer then,
// such as a silent Redis, is left behind.
const (
	callGrace = 350 * time.Millisecond
	lastGrace = 450 * time.Millisecond
)

// deadline is when a command has to end; the zero one is of a command that runs on.
type deadline struct{ at time.Time }

// deadlineOf is for a ctx that ends with the command's --timeout.
func deadlineOf(waiting context.Context) deadline {
	at, _ := waiting.Deadline()
	return deadline{at}
}

// within is ctx until the command has to end. It does not end sooner if there is no deadline.
func (d deadline) within(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	if d.at.IsZero() {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, d.at.Add(grace))
}

// over is told when nobody may be waited for any more.
func (d deadline) over() <-chan time.Time {
	if d.at.IsZero() {
		return nil
	}
	return time.After(time.Until(d.at.Add(lastGrace)))
}

// boundedFetcher ends a call when the command has to, which may be long before Config.FetchTimeout.
type boundedFetcher struct {
	tokencache.Fetcher
	deadline deadline
	asked    atomic.Bool
}

// Fetch implements [tokencache.Fetcher].
func (f *boundedFetcher) Fetch(ctx context.Context) (tokencache.Token, error) {
	f.asked.Store(true)
	ctx, cancel := f.deadline.within(ctx, callGrace)
	defer cancel()
	return f.Fetcher.Fetch(ctx)
}
