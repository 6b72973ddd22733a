package config

import (
	"context"
	"io/fs"
)

// Tokens is the door by which clients get tokens, over HTTP at Listen, over a socket, or both.
type Tokens struct {
	Listener

	// Socket is the path of a Unix socket, absolute if the folder of the file is; "": there is none.
	Socket string
	// SocketMode are its permissions: 0660 unless the file says otherwise.
	SocketMode fs.FileMode

	// Hosts are names by which clients call Listen without TLS, beside localhost: see package door.
	Hosts []string

	// Clients may have tokens, in the order of the file; none is legal.
	Clients []Client
}

var tokensKeys = keys{known: append([]string{"hosts", "socket", "socket_mode", "clients"}, listenerKeys...)}

// tokens is the zero one where it is absent. taken is the address of another listener.
func (r *reader) tokens(ctx context.Context, v value, taken string) Tokens {
	s, ok := r.section(v, tokensKeys)
	if !ok {
		return Tokens{}
	}
	t := Tokens{Listener: r.listener(ctx, s, taken)}
	t.Hosts = r.hosts(s.get("hosts"))
	t.Socket = r.socket(s.get("socket"))
	t.SocketMode = r.socketMode(s.get("socket_mode"))
	r.checkDoors(s)
	for _, item := range r.list(r.need(s, "clients", "list who may have tokens, or write clients: [] for nobody yet"), "- {name: billing, ...}") {
		if r.isFull() {
			break
		}
		t.Clients = append(t.Clients, r.client(ctx, s, item))
	}
	return t
}

// hosts are names, without port.
func (r *reader) hosts(v value) []string {
	words := r.words(v, "[tokens.example]")
	for _, w := range words {
		if !isHost(w.text) {
			r.complain(w.value, "is no name of a host: write it without scheme, port and path, such as tokens.example")
		}
	}
	return texts(words)
}

// checkDoors complains of what has no door to be for.
func (r *reader) checkDoors(s section) {
	if !s.has("listen") && !s.has("socket") {
		r.complain(s.value, "has no door: set listen, socket or both, or leave tokens out")
		return
	}
	if !s.has("socket") && s.has("socket_mode") {
		r.complain(s.get("socket_mode"), "is of a socket, and there is none: set socket, or leave this out")
	}
	for _, key := range []string{"tls", "insecure", "hosts"} {
		if !s.has("listen") && s.has(key) {
			r.complain(s.get(key), "is for listen, and that is not set: set it, or leave this out")
		}
	}
}
