package config

import (
	"context"
	"io/fs"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/onetoken-go/onetoken/internal/service/listen"
)

// Tokens is the door by which clients get tokens, over HTTP at Listen, over a socket, or both.
type Tokens struct {
	Listener

	// Socket is the path of a Unix socket, absolute if the folder of the file is; "": there is none.
	Socket string
	// SocketMode are its permissions: 0660 unless the file says otherwise; 0 where sockets have none (Windows).
	SocketMode fs.FileMode

	// Hosts are names by which clients call Listen without TLS, beside localhost: see package door.
	Hosts []string

	// Clients may have tokens, in the order of the file; none is legal.
	Clients []Client
}

// What a Client of tokens may do.
const (
	MayGet    = "get"    // a token
	MayReject = "reject" // one that an API has refused
)

var (
	tokensRights = []string{MayGet, MayReject}
	tokensKeys   = keys{known: append([]string{"hosts", "socket", "socket_mode", "clients"}, listenerKeys...)}

	tokensClientKeys = keys{
		known: []string{
			"name", "secret_file", "secret_env", "previous_secret_file", "previous_secret_env", "cert", "uid", "credentials", "may", "rate",
		},
		refused: inlineClientSecrets,
	}
)

// tokens is the zero one where it is absent. taken are the addresses of other listeners.
func (r *reader) tokens(ctx context.Context, v value, taken ...address) Tokens {
	s, ok := r.section(v, tokensKeys)
	if !ok {
		return Tokens{}
	}
	t := Tokens{Listener: r.listener(ctx, s, taken...)}
	t.Hosts = r.hosts(s.get("hosts"))
	t.Socket = r.socket(s.get("socket"))
	t.SocketMode = r.socketMode(s.get("socket_mode"), listen.HasSocketModes)
	r.checkDoors(s)
	d := door{
		section: s, client: tokensClientKeys,
		granted: "list the names of those that this client may have the tokens of",
		rights:  rights{own: tokensRights, foreign: gatewayRights, other: "gateway"},
	}
	t.Clients = r.clientList(d, "have tokens", func(item value) Client { return r.tokensClient(ctx, d, item) })
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

func (r *reader) tokensClient(ctx context.Context, d door, v value) Client {
	a, c, ok := r.client(ctx, d, v)
	if !ok {
		return Client{}
	}
	c.UID = r.uid(a)
	c.Credentials = texts(r.grants(a))
	c.May = r.tokensMay(a)
	r.checkShows(a.section)
	return c
}

const noUID = 1<<32 - 1 // (uid_t)-1: nobody's

// uid is nil where it is absent, and after a complaint.
func (r *reader) uid(a applicant) *uint32 {
	v := a.get("uid")
	if !r.checkGiven(v) {
		return nil
	}
	n, err := strconv.ParseUint(v.node.Value, 10, 32)
	if err != nil || v.node.Tag != "!!int" || n == noUID || n > 0 && v.node.Value[0] == '0' {
		r.complain(v, "has to be the number of a user, such as 1000: id -u NAME prints it")
		return nil
	}
	if !a.door.has("socket") {
		r.complain(v, "needs tokens.socket, where the system says whose a process is: set it, or leave this out")
		return nil
	}
	if !r.claim(a, v, "uid "+v.node.Value, "is the uid") {
		return nil
	}
	uid := uint32(n)
	return &uid
}

// tokensMay is all where it is absent, and never nothing: such a client would be of no use.
func (r *reader) tokensMay(a applicant) []string {
	v := a.get("may")
	switch {
	case v.node == nil:
		return slices.Clone(tokensRights)
	case v.node.Kind == yaml.SequenceNode && len(v.node.Content) == 0:
		r.complain(v, "is empty: leave the key out for get and reject")
		return nil
	}
	return r.may(a)
}

// checkShows wants a way to tell the client from others.
func (r *reader) checkShows(s section) {
	secret := s.has("secret_file") || s.has("secret_env")
	previous := s.has("previous_secret_file") || s.has("previous_secret_env")
	switch {
	case previous && !secret:
		r.complain(s.value, "has a previous secret, and no secret: set secret_file or secret_env, to what is to take its place")
	case !secret && !s.has("cert") && !s.has("uid"):
		r.complain(s.value, "has nothing to show who it is: set secret_file, secret_env, cert or uid")
	}
}
