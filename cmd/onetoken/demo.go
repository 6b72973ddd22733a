package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/spf13/cobra"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

// Bounds of the demo. With a life below 10 s, what is left of it at a refresh
// does not outlast the lease of a killed holder (0.5 s) and another call.
const (
	minDemoLife = 10 * time.Second
	maxDemoLife = 2 * time.Hour
	maxReplicas = 1000
)

type demoOptions struct {
	replicas int
	life     time.Duration // of a new token
	length   time.Duration // of the demo
	latency  time.Duration // of the issuer
	pause    time.Duration // of a replica between two reads, on average
}

func (a *app) demoCommand() *cobra.Command {
	o := demoOptions{latency: 150 * time.Millisecond}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show a fleet that shares one token, and survives a kill",
		Long: "Show a fleet that shares one token. Everything is in this process: Redis, an\n" +
			"issuer that keeps to Feishu's rules, and replicas with a cache and connections\n" +
			"of their own, all reading. At the first refresh the replica that holds the lock\n" +
			"is killed in the middle of its call, as if by kill -9; another takes over.\n\n" +
			"Nothing is read from the environment. The summary is by the issuer's counters.\n" +
			"Exit status 1: more successful calls than rotations and the kill, a Get that\n" +
			"failed, or one that waited in a replica that had held a token.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := usage(o.validate()); err != nil {
				return err
			}
			o.pause = pauseOf(o.replicas)
			return a.demo(cmd.Context(), o)
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&o.replicas, "replicas", 50, "how many replicas read")
	flags.DurationVar(&o.life, "life", 20*time.Second, "life of a token, in whole seconds; the issuer's window is a quarter of it")
	flags.DurationVar(&o.length, "for", time.Minute, "how long it runs; longer than the life")
	return cmd
}

func (o demoOptions) validate() error {
	var errs []error
	if o.replicas < 1 || o.replicas > maxReplicas {
		errs = append(errs, fmt.Errorf("--replicas has to be between 1 and %d", maxReplicas))
	}
	if o.life < minDemoLife || o.life > maxDemoLife || o.life%time.Second != 0 {
		errs = append(errs, fmt.Errorf("--life has to be whole seconds between %v and %v", minDemoLife, maxDemoLife))
	}
	if o.length <= o.life {
		errs = append(errs, errors.New("--for has to be longer than --life, or there is no rotation to see"))
	}
	return errors.Join(errs...)
}

// pauseOf is 10 ms up to 100 replicas. Larger fleets read less often each, for
// it is the cache that is shown, not how many timers the machine can fire.
func pauseOf(replicas int) time.Duration {
	return max(10*time.Millisecond, time.Duration(replicas)*100*time.Microsecond)
}

// window of the demo's issuer, told to its clients too.
func (o demoOptions) window() time.Duration { return o.life / 4 }

// demo runs for o.length or until ctx ends, and then says what it saw.
func (a *app) demo(ctx context.Context, o demoOptions) error {
	server := miniredis.NewMiniRedis()
	server.ClockTTL(true) // by default its keys never expire by themselves
	if err := server.Start(); err != nil {
		return fmt.Errorf("embedded redis: %w", err)
	}
	defer server.Close()
	return a.show(ctx, o, func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", server.Addr())
	})
}

// show runs a fleet on the Redis that dial reaches.
func (a *app) show(ctx context.Context, o demoOptions, dial dialer) error {
	issuer := feishutest.New(feishutest.Config{Life: o.life, Window: o.window(), Latency: o.latency})
	f := newFleet(o, issuer, dial, a.logger)
	running, stop := context.WithTimeout(ctx, o.length)
	defer stop()
	if err := f.start(running); err != nil {
		return err
	}
	unread := a.watch(running, f)
	stop()
	elapsed := f.elapsed() // calls in flight are finished after it
	f.close()

	if unread != nil {
		return unread
	}
	final := f.snapshot()
	final.elapsed = elapsed
	a.print(final.summary())
	if ctx.Err() != nil {
		return errors.New("demo interrupted: the figures above are of a part of it")
	}
	return final.verdict()
}

func (a *app) print(text string) { _, _ = io.WriteString(a.stdout, text) }

// watch shows the fleet until ctx ends, or nobody reads any more.
func (a *app) watch(ctx context.Context, f *fleet) error {
	show, done, every := a.painter(f.o)
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
func (a *app) painter(o demoOptions) (show func(snapshot) error, done func(), every time.Duration) {
	if screen := newScreen(a.stdout, a.getenv("TERM"), minWidth, minHeight); screen != nil {
		return screen.show, screen.clear, 100 * time.Millisecond
	}
	a.print(fmt.Sprintf("%d replicas share one token that lives %v, for %v\n", o.replicas, o.life, o.length))
	lines := &printer{out: a.stdout}
	return lines.show, func() {}, time.Second
}
