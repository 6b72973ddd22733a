package tokencache

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// lastDial knows how the last attempt ended to connect to Redis that was made aside, while a
// command had no answer. A default go-redis client keeps to itself why: it dials five times
// within each of four tries, longer than a RedisTimeout, so that a port that refuses, or a name
// that is not found, would be a Redis that is too slow.
type lastDial struct {
	mu      sync.Mutex // guards below
	running bool
	ended   time.Time
	err     error // nil: connected, or given up
}

// suspect is called as a command begins. When half its time is over one connection is dialled,
// of all commands that wait, and closed. Explain returns the error of that for a command that had
// no answer in time, and is to be called when the command's time is up, or it has ended. Only a
// redis.Client tells how it dials.
func (g *guard) suspect(ctx context.Context) (explain func(error) error) {
	client, ok := g.rdb.(*redis.Client)
	if !ok {
		return func(err error) error { return err }
	}
	began := time.Now()
	timer := time.AfterFunc(g.timeout/2, func() { g.dial.once(ctx, client.Options(), g.timeout/2) })
	return func(err error) error {
		timer.Stop()
		if !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		if why := g.dial.since(began); why != nil {
			return why
		}
		return err
	}
}

// once dials, unless somebody does.
func (d *lastDial) once(ctx context.Context, o *redis.Options, most time.Duration) {
	d.mu.Lock()
	running := d.running
	d.running = true
	d.mu.Unlock()
	if running {
		return
	}
	err := error(nil)
	defer func() {
		_ = recover() // of somebody's Dialer
		d.mu.Lock()
		defer d.mu.Unlock()
		d.running, d.ended, d.err = false, time.Now(), err
	}()
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	conn, failure := o.Dialer(ctx, o.Network, o.Addr)
	switch {
	case failure == nil:
		_ = conn.Close()
	case !isOver(ctx):
		err = own(failure)
	}
}

// since returns why the last attempt failed, if it ended since then.
func (d *lastDial) since(began time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ended.Before(began) {
		return nil
	}
	return d.err
}
