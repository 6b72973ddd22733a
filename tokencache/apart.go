package tokencache

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// apart is a ctx that ends with the caller's, and has nothing else of it: a command may be
// left behind, and what a caller's ctx holds may be used for something else by then.
func apart(caller context.Context) (ctx context.Context, end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	deadline, bounded := caller.Deadline()
	if bounded {
		ctx, cancel = context.WithDeadline(context.Background(), deadline)
	}
	stop := context.AfterFunc(caller, func() {
		if !bounded || time.Now().Before(deadline) { // else it ends by itself, as such
			cancel()
		}
	})
	return ctx, func() {
		stop()
		cancel()
	}
}

// orWhyEnded gives the end of own, which is apart from the caller's ctx, the caller's reason.
func orWhyEnded(caller, own context.Context, err error) error {
	if err == nil || own.Err() == nil || errors.Is(err, ErrRedis) {
		return err
	}
	if !sleepUnless(caller.Done(), callersMoment) {
		return whyEnded(caller)
	}
	return own.Err()
}

// callersMoment is how much later than its deadline a caller's ctx may end. One that somebody
// else has made may never do so, nor one whose deadline is by a wall clock that was corrected.
const callersMoment = 10 * time.Millisecond

// whyEnded is the error of a ctx that is over, and its cause if that says more.
func whyEnded(ctx context.Context) error {
	if cause := context.Cause(ctx); !errors.Is(cause, ctx.Err()) {
		return fmt.Errorf("%w: %w", ctx.Err(), cause)
	}
	return ctx.Err()
}

// isOver reports whether a ctx has ended, or is about to in this very moment: a client that
// heeds its deadline may come back before its timer has fired.
func isOver(ctx context.Context) bool {
	deadline, bounded := ctx.Deadline()
	return ctx.Err() != nil || bounded && !time.Now().Before(deadline)
}
