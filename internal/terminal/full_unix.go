//go:build unix

package terminal

import (
	"os"
	"os/signal"
	"syscall"
)

// notifyOfScreen tells of what a terminal does to whoever paints on it.
func notifyOfScreen(c chan<- os.Signal) { signal.Notify(c, syscall.SIGWINCH, syscall.SIGTSTP) }

func stopNotifying(c chan<- os.Signal) { signal.Stop(c) }

func stops(sig os.Signal) bool { return sig == syscall.SIGTSTP }

// stopMyself returns when somebody has the process go on.
func stopMyself() {
	goesOn := make(chan os.Signal, 1)
	signal.Notify(goesOn, syscall.SIGCONT)
	defer signal.Stop(goesOn)
	if syscall.Kill(syscall.Getpid(), syscall.SIGSTOP) == nil {
		<-goesOn
	}
}
