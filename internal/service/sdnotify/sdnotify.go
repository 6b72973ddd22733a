// Package sdnotify tells the service manager how the service is: sd_notify(3), for units with
// Type=notify or Type=notify-reload. Without NOTIFY_SOCKET in the environment, as everywhere but
// under such a manager, nothing happens and nothing fails. An error means that the manager was not
// told; the service does its work all the same, so log it and go on.
//
// Each call may wait while the manager's queue is full: call none with a lock held.
//
// Socket activation (LISTEN_FDS) is not supported.
package sdnotify

import (
	"fmt"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// Ready says that the service has started, or that the reload is over.
func Ready() error { return send(daemon.SdNotifyReady) }

// Reloading says that a reload begins. Call Ready when it is over, also if the new configuration
// was refused: until then the manager waits.
func Reloading() error {
	return send(daemon.SdNotifyReloading + "\n" + daemon.SdNotifyMonotonicUsec())
}

// Stopping says that the service shuts down.
func Stopping() error { return send(daemon.SdNotifyStopping) }

// WatchdogWithin is how long the manager waits for each Alive before it kills the process: that is
// WatchdogSec of the unit. Call Alive twice as often. 0: it waits for none. An error is of an
// environment that no manager has set.
func WatchdogWithin() (time.Duration, error) {
	within, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return 0, fmt.Errorf("WATCHDOG_USEC and WATCHDOG_PID: %w", err)
	}
	return within, nil
}

// Alive says that the service works. See WatchdogWithin.
func Alive() error { return send(daemon.SdNotifyWatchdog) }

func send(state string) error {
	if _, err := daemon.SdNotify(false, state); err != nil {
		return fmt.Errorf("NOTIFY_SOCKET: the service manager was not told: %w", err)
	}
	return nil
}
