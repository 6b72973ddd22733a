//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package listen

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/onetoken-go/onetoken/internal/pause"
)

// Those that hold the lock of a directory are done in milliseconds.
const lockTimeout, lockPause = time.Second, 5 * time.Millisecond

// lockDirectory returns when nobody else of this package changes sockets in the directory, also in
// another process. Locking the directory leaves no file behind, and the kernel unlocks what a dead
// process had locked. Some file systems have no locks, and any user who can read the directory may hold
// this one: so it is gone without after a second. What it prevents needs two starts at the same moment.
func lockDirectory(ctx context.Context, dir string) (unlock func()) {
	file, err := os.Open(dir)
	if err != nil {
		return func() {} // whatever is wrong, making the socket will say it
	}
	ctx, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	for errors.Is(tryLock(file), unix.EWOULDBLOCK) && pause.For(ctx, lockPause, nil) {
	}
	return func() { _ = file.Close() } // which unlocks
}

func tryLock(file *os.File) error {
	return unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
}
