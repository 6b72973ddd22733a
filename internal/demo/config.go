package demo

import (
	"cmp"
	"io"
	"log/slog"
	"time"
)

// Bounds of a Config. With a life below 10 s, what is left of it at a refresh
// does not outlast the lease of a killed holder (0.5 s) and another call.
const (
	MinLife     = 10 * time.Second
	MaxLife     = 2 * time.Hour
	MaxReplicas = 1000
)

// Config of a demo. The caller keeps to the bounds above.
type Config struct {
	Replicas int           // how many read, from 1 to MaxReplicas
	Life     time.Duration // of a new token, in whole seconds; the issuer's window is a quarter of it
	Length   time.Duration // of the demo; longer than the life, or there is no rotation to see
	Latency  time.Duration // of the issuer; 0 is 150 ms
	Pause    time.Duration // of a replica between two reads, on average; 0 is 10 ms, more in a fleet above 100

	Out    io.Writer    // a terminal is painted on; all else gets a line a second
	Term   string       // the kind of that terminal, as in TERM
	Logger *slog.Logger // of the replicas, while they live
}

func (c Config) withDefaults() Config {
	c.Latency = cmp.Or(c.Latency, 150*time.Millisecond)
	c.Pause = cmp.Or(c.Pause, pauseOf(c.Replicas))
	return c
}

// pauseOf is 10 ms up to 100 replicas. Larger fleets read less often each, for
// it is the cache that is shown, not how many timers the machine can fire.
func pauseOf(replicas int) time.Duration {
	return max(10*time.Millisecond, time.Duration(replicas)*100*time.Microsecond)
}

// window of the demo's issuer, told to its clients too.
func (c Config) window() time.Duration { return c.Life / 4 }
