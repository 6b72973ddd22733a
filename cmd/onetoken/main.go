// Command onetoken shares one Feishu or Lark app access token through Redis:
// it prints the token, plays the issuer, and shows a fleet at work. See
// `onetoken -h` for its whole configuration.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	finishOnSignals(cancel)
	os.Exit(run(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr))
}

// finishOnSignals has the first signal ask to finish, so that a lock is released and an
// answer under way is shared. A second SIGINT or SIGTERM kills at once. A second SIGHUP
// does not: when a terminal closes, both the kernel and the shell send one. Under nohup
// none is heeded, and where it has files read again (hangupReloads) it ends nothing. A reader
// that is gone kills nobody, but makes writing fail.
func finishOnSignals(finish func()) {
	signal.Ignore(syscall.SIGPIPE)
	heeded := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		heeded = append(heeded, syscall.SIGHUP)
	}
	came := make(chan os.Signal, 1)
	signal.Notify(came, heeded...)
	go func() {
		for sig := range came {
			if sig == syscall.SIGHUP && hangupReloads.Load() {
				continue
			}
			signal.Reset(os.Interrupt, syscall.SIGTERM)
			finish()
			return
		}
	}()
}
