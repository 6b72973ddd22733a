// Package demo shows a fleet that shares one token, and survives a kill. Everything is in this
// process: Redis, an issuer that keeps to Feishu's rules, and replicas, each with a cache and
// connections of its own, all reading. At the first refresh the replica that holds the lock is
// killed in the middle of its call, as if by kill -9; another takes over.
//
// [Run] starts a fleet of replicas, shows a snapshot of it now and then, and ends with a
// verdict. The fleet plays the network between a replica and the issuer, where it kills; a tally
// counts what the replicas see.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

// Run shows a fleet for c.Length or until ctx ends, and then says what it saw. Its error is what
// the fleet did not keep of its promises, that ctx ended it, or that nobody reads c.Out any more.
func Run(ctx context.Context, c Config) error {
	server := miniredis.NewMiniRedis()
	server.ClockTTL(true) // by default its keys never expire by themselves
	if err := server.Start(); err != nil {
		return fmt.Errorf("embedded redis: %w", err)
	}
	defer server.Close()
	return c.withDefaults().show(ctx, func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", server.Addr())
	})
}

// show runs a fleet on the Redis that dial reaches.
func (c Config) show(ctx context.Context, dial dialer) error {
	issuer := feishutest.New(feishutest.Config{Life: c.Life, Window: c.window(), Latency: c.Latency})
	f := newFleet(c, issuer, dial)
	running, stop := context.WithTimeout(ctx, c.Length)
	defer stop()
	if err := f.start(running); err != nil {
		return err
	}
	unread := c.watch(running, f)
	stop()
	elapsed := f.elapsed() // calls in flight are finished after it
	f.close()

	if unread != nil {
		return unread
	}
	final := f.snapshot()
	final.elapsed = elapsed
	_, _ = io.WriteString(c.Out, final.summary())
	if ctx.Err() != nil {
		return errors.New("demo interrupted: the figures above are of a part of it")
	}
	return final.verdict()
}

// watch shows the fleet until ctx ends, or nobody reads any more.
func (c Config) watch(ctx context.Context, f *fleet) error {
	show, done, every := c.painter()
	defer done()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := show(f.snapshot()); err != nil {
				return err
			}
		}
	}
}

// painter draws a live picture where there is a terminal to draw on, and else
// prints a line a second.
func (c Config) painter() (show func(snapshot) error, done func(), every time.Duration) {
	if picture := newPicture(c); picture != nil {
		return picture.show, picture.screen.Clear, 100 * time.Millisecond
	}
	_, _ = fmt.Fprintf(c.Out, "%d replicas share one token that lives %v, for %v\n", c.Replicas, c.Life, c.Length)
	lines := &printer{out: c.Out}
	return lines.show, func() {}, time.Second
}
