package redistest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// ClockServer is a [Server] whose wall clock can be stepped while it runs, as by somebody who
// sets that of its host. Its monotonic clock goes on.
type ClockServer struct {
	*Server
	file   string // what libfaketime reads each time somebody asks for the time
	offset time.Duration
}

// libfaketime is where Debian has it, whatever the architecture.
const libfaketime = "/usr/lib/*/faketime/libfaketime.so.1"

// StartClockServer starts one with further arguments. Its clock is right at first. Without
// libfaketime it does as [StartServer] without redis-server.
func StartClockServer(t testing.TB, args ...string) *ClockServer {
	t.Helper()
	requireBinary(t)
	library := requireLibfaketime(t)
	c := &ClockServer{file: filepath.Join(t.TempDir(), "clock")}
	c.write(t)
	c.Server = startServer(t, FreePort, func(s *Server) []string {
		s.env = []string{
			// The C library comes before jemalloc, which asks for the time before libfaketime can tell.
			"LD_PRELOAD=" + library + ":libc.so.6",
			"FAKETIME_TIMESTAMP_FILE=" + c.file, "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1",
		}
		return slices.Concat(s.usual(), args)
	})
	return c
}

func requireLibfaketime(t testing.TB) string {
	t.Helper()
	if found, _ := filepath.Glob(libfaketime); len(found) > 0 {
		return found[0]
	}
	if os.Getenv(RequireEnv) == "1" {
		t.Fatal("libfaketime is not installed, but " + RequireEnv + "=1")
	}
	t.Skip("libfaketime is not installed")
	return ""
}

// StepClock sets the clock ahead, or back if by is negative, from where it is: whole seconds.
func (c *ClockServer) StepClock(by time.Duration) {
	c.t.Helper()
	c.offset += by
	c.write(c.t)
}

// write replaces the file in one step: the server may be reading it.
func (c *ClockServer) write(t testing.TB) {
	t.Helper()
	next := c.file + ".next"
	err := os.WriteFile(next, fmt.Appendf(nil, "%+d\n", int64(c.offset/time.Second)), 0o600)
	if err == nil {
		err = os.Rename(next, c.file)
	}
	if err != nil {
		t.Fatal(err)
	}
}
