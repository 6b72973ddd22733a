//go:build unix

package redistest

import (
	"os"
	"syscall"
	"testing"
)

func pause(t testing.TB, p *os.Process) { signal(t, p, syscall.SIGSTOP) }

func resume(t testing.TB, p *os.Process) { signal(t, p, syscall.SIGCONT) }

func signal(t testing.TB, p *os.Process, s os.Signal) {
	t.Helper()
	if err := p.Signal(s); err != nil {
		t.Fatalf("redis-server: %v: %v", s, err)
	}
}
