//go:build !unix

package terminal

import "os"

// notifyOfScreen tells of nothing: whoever paints once a second sees a new size then.
func notifyOfScreen(chan<- os.Signal) {}

func stopNotifying(chan<- os.Signal) {}

func stops(os.Signal) bool { return false }

func stopMyself() {}
