package listen

import "net"

// On returns a Listener on what a test made, such as pipes in a bubble.
func On(listener net.Listener, config Config) *Listener {
	return &Listener{config: config.withDefaults(), net: listener}
}
