package doctor

import (
	"context"
	"fmt"
	"time"
)

// A call to the issuer has to fit into a check.
const (
	checkTime = 5 * time.Second
	fetchTime = 4 * time.Second
)

// inTime gives f the time of a check, and leaves it behind after that: clients
// need not heed a context. Then, or once ctx is over, it is false.
func inTime[T any](ctx context.Context, f func(context.Context) T) (T, bool) {
	var nothing T
	const grace = checkTime / 20
	ctx, cancel := context.WithTimeout(ctx, checkTime-grace)
	if ctx.Err() != nil {
		cancel()
		return nothing, false
	}
	done := make(chan T, 1)
	go func() {
		defer cancel()
		done <- f(ctx)
	}()
	select {
	case got := <-done:
		return got, true
	case <-ctx.Done():
	}
	select {
	case got := <-done: // it ended because its time did, and knows why
		return got, true
	case <-time.After(grace):
		return nothing, false
	}
}

const outOfTime = "interrupted, or out of time"

// cutShort reports whether an error may be of the end of ctx, which is that of the whole examination: then it says
// nothing about what was examined.
func cutShort(ctx context.Context, err error) bool { return err != nil && ctx.Err() != nil }

// late is the finding of a check that inTime has left behind, or that was cut short.
func late(ctx context.Context, name string) finding {
	if ctx.Err() != nil {
		return skipped(name, outOfTime)
	}
	return finding{name, checkFail, fmt.Sprintf("took longer than %v", checkTime), "check the network in between, and try again"}
}

// rounded is a duration as people want it.
func rounded(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return d.Round(time.Second).String()
	case d >= 100*time.Millisecond:
		return d.Round(10 * time.Millisecond).String()
	}
	return d.Round(10 * time.Microsecond).String()
}
