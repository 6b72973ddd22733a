package config

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"github.com/onetoken-go/onetoken/internal/plain"
	"github.com/onetoken-go/onetoken/internal/service/clients"
	"github.com/onetoken-go/onetoken/tokencache"
)

// Client may have tokens. It shows who it is by at least one of secret, certificate and user id.
type Client struct {
	Name string // [a-z0-9][a-z0-9._-]{0,62}, unique among the clients

	// Secret, or Previous, which is taken as well while a client changes to a new one; zero: none.
	// Each has 16 to 1,024 printable ASCII characters without spaces, and is of one client alone.
	Secret, Previous tokencache.Secret

	// SANs of its certificate, of which one is enough: DNS names and URIs, compared
	// as a whole; each is of one client alone. None: it shows no certificate.
	SANs []string

	// UID of its processes at the socket; nil: none. Each is of one client alone.
	UID *uint32

	// Credentials that it may have the tokens of, by name.
	Credentials []string

	// May is what it may do: MayGet and MayReject unless the file says otherwise.
	May []string

	// Rate of its requests a second, in the mean; from a file never 0, but DefaultRate.
	Rate float64
}

// What a Client may do.
const (
	MayGet    = "get"    // a token
	MayReject = "reject" // one that an API has refused
)

// DefaultRate of a client: requests a second.
const DefaultRate = clients.DefaultRate

const (
	minSecret = clients.ShortestSecret
	maxSecret = clients.LongestSecret
	maxRate   = clients.HighestRate
	noUID     = 1<<32 - 1 // (uid_t)-1: nobody's
)

var clientKeys = keys{
	known: []string{
		"name", "secret_file", "secret_env", "previous_secret_file", "previous_secret_env", "cert", "uid", "credentials", "may", "rate",
	},
	refused: map[string]string{"secret": inline("secret"), "previous_secret": inline("previous_secret")},
}

// client reads one of the section's.
func (r *reader) client(ctx context.Context, tokens section, v value) Client {
	s, ok := r.section(v, clientKeys)
	if !ok {
		return Client{}
	}
	c := Client{
		Name:        r.name(s, r.clients.names),
		Secret:      r.clientSecret(ctx, s, "secret", ""),
		SANs:        r.sans(tokens, s.get("cert")),
		UID:         r.uid(tokens, s.get("uid")),
		Credentials: r.credentialsOf(r.need(s, "credentials", "list the names of those that this client may have the tokens of")),
		May:         r.may(s.get("may")),
		Rate:        cmp.Or(r.rate(s.get("rate"), maxRate), DefaultRate),
	}
	c.Previous = r.clientSecret(ctx, s, "previous_secret", c.Secret.Reveal())
	r.checkShows(s)
	return c
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

// clientSecret is zero where it is absent, after a complaint, and where it is the same as the client's other
// one: that is so for a moment while one takes the place of the other.
func (r *reader) clientSecret(ctx context.Context, s section, key, other string) tokencache.Secret {
	f := r.secret(ctx, s, key, "")
	if !f.ok {
		return tokencache.Secret{}
	}
	fault := plain.Fault(f.text)
	switch {
	case fault != "":
		r.complain(f.value, "of the secret "+fault+": it has to be printable ASCII without spaces, such as openssl rand -hex 32 writes")
	case len(f.text) < minSecret:
		r.complainf(f.value, "the secret is shorter than %d characters: take a random one, such as openssl rand -hex 32 writes", minSecret)
	case len(f.text) > maxSecret:
		r.complainf(f.value, "the secret is longer than %d characters", maxSecret)
	case other != "" && f.text == other, r.isTaken(f.value, "secret "+f.text, "holds the secret"):
	default:
		return f.secret()
	}
	return tokencache.Secret{}
}

// sans are those of cert: {san: ...}.
func (r *reader) sans(tokens section, v value) []string {
	s, ok := r.section(v, keys{known: []string{"san"}})
	if !ok {
		return nil
	}
	if tls := tokens.get("tls"); !hasKey(tls, "client_ca_file") {
		r.complain(v, "needs tokens.tls.client_ca_file, by which the certificates of clients are looked at: set it, or leave this out")
	}
	words := r.wordsOrOne(r.need(s, "san", "a name in the certificate: of a host, or a URI"), "[billing.example]")
	if list := s.get("san"); list.node != nil && len(words) == 0 && !r.told[list.path] {
		r.complain(list, "is empty: give a name in the certificate, or leave cert out")
	}
	for _, w := range words {
		r.checkSAN(w)
	}
	return texts(words)
}

func (r *reader) checkSAN(w word) {
	const longest = 2048
	switch {
	case plain.Fault(w.text) != "":
		r.complain(w.value, "is no name in a certificate: "+plain.Fault(w.text))
	case clients.FaultOfSAN(w.text) != "":
		r.complain(w.value, clients.FaultOfSAN(w.text))
	case len(w.text) > longest:
		r.complainf(w.value, "is longer than %d bytes", longest)
	default:
		r.isTaken(w.value, "san "+clients.CanonicalSAN(w.text), "is a name in the certificate")
	}
}

// uid is nil where it is absent, and after a complaint.
func (r *reader) uid(tokens section, v value) *uint32 {
	if !r.isGiven(v) {
		return nil
	}
	n, err := strconv.ParseUint(v.node.Value, 10, 32)
	if err != nil || v.node.Tag != "!!int" || n == noUID || n > 0 && v.node.Value[0] == '0' {
		r.complain(v, "has to be the number of a user, such as 1000: id -u NAME prints it")
		return nil
	}
	if !tokens.has("socket") {
		r.complain(v, "needs tokens.socket, where the system says whose a process is: set it, or leave this out")
		return nil
	}
	if r.isTaken(v, "uid "+v.node.Value, "is the uid") {
		return nil
	}
	uid := uint32(n)
	return &uid
}

// credentialsOf a client, each of which the file has to have.
func (r *reader) credentialsOf(v value) []string {
	words := r.words(v, "[crm]")
	seen := map[string]bool{}
	for _, w := range words {
		switch {
		case r.credentials.paths[w.text] == "":
			r.complain(w.value, "is the name of no credential here: "+r.credentialMeant(w.text))
		case seen[w.text]:
			r.complain(w.value, "is there twice: keep one")
		}
		seen[w.text] = true
	}
	return texts(words)
}

// credentialMeant compares with thousands of names only while somebody will read it.
func (r *reader) credentialMeant(text string) string {
	if len(r.all) < mostTold {
		if near := nearest(text, r.credentials.all); near != "" {
			return "did you mean " + near + "?"
		}
	}
	return "add it to credentials, or take it out here"
}

// may is what the client may do.
func (r *reader) may(v value) []string {
	if v.node == nil {
		return []string{MayGet, MayReject}
	}
	var all []string
	items := r.list(v, "[get]")
	for _, item := range items {
		what := r.choice(item, MayGet, MayReject)
		if slices.Contains(all, what) {
			r.complain(item, "is there twice: keep one")
		} else if what != "" {
			all = append(all, what)
		}
	}
	if len(items) == 0 && !r.told[v.path] {
		r.complain(v, "is empty: leave the key out for get and reject")
	}
	return all
}
