package listen

import (
	"net"
	"net/http"
)

// On returns a Listener on what a test made, such as pipes in a bubble.
func On(listener net.Listener, config Config) *Listener {
	return &Listener{config: config.withDefaults(), net: listener}
}

// Watch returns what a handler gets with a StallTimeout.
func Watch(config Config, w http.ResponseWriter, r *http.Request) (http.ResponseWriter, *http.Request, func()) {
	stall := newStall(config, w, r)
	return stall.writer(), stall.request(r), stall.end
}
