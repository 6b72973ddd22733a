package config

import (
	"cmp"
	"context"
	"slices"

	"github.com/onetoken-go/onetoken/internal/plain"
	"github.com/onetoken-go/onetoken/internal/service/clients"
	"github.com/onetoken-go/onetoken/tokencache"
)

// Client is a program that may use credentials by one of the two doors: of tokens it may have their tokens, of
// gateway it may call APIs by them, and has none. At tokens it shows who it is by at least one of secret,
// certificate and user id. At the gateway it always does so by its secret, which an SDK sends as its app secret,
// and with MayUserTokens by its certificate as well; all its Credentials are of kind feishu, each of another app,
// and with MayUserTokens of one base URL.
//
// A Client of tokens and one of gateway that have one Name are one program, and may have the same secrets and
// SANs. No others share any.
type Client struct {
	Name string // [a-z0-9][a-z0-9._-]{0,62}, unique among the clients of the door

	// Secret, or Previous, which is taken as well while a client changes to a new one; zero: none.
	// Each has 16 to 1,024 printable ASCII characters without spaces.
	Secret, Previous tokencache.Secret

	// SANs of its certificate, of which one is enough: DNS names and URIs, compared
	// as a whole. None: it shows no certificate.
	SANs []string

	// UID of its processes at the socket; nil: none, as always at the gateway. Each is of one client alone.
	UID *uint32

	// Credentials that it may use, by name, in the order of the file.
	Credentials []string

	// May is what it may do. At tokens: MayGet and MayReject unless the file says otherwise. At the gateway, beside
	// calls of APIs: MayWS, MayUserLogin and MayUserTokens, none of them unless the file says so.
	May []string

	// Rate of its requests a second at this door, in the mean; from a file never 0, but DefaultRate.
	Rate float64
}

// DefaultRate of a client: requests a second.
const DefaultRate = clients.DefaultRate

const (
	minSecret = clients.ShortestSecret
	maxSecret = clients.LongestSecret
	maxRate   = clients.HighestRate
)

// door is a section that has clients, and how these are read.
type door struct {
	section
	client  keys   // of each
	secret  string // what its secret is, where each has to have one; "": it need not
	granted string // what the credentials that it lists are for
	rights  rights // that it may have
}

// applicant is a client while it is read.
type applicant struct {
	section
	door door
	name string // "" after a complaint
}

// clientList is needed.
func (r *reader) clientList(d door, whose string, read func(value) Client) []Client {
	var all []Client
	for _, item := range r.list(r.need(d.section, "clients", "list who may "+whose+", or write clients: [] for nobody yet"), "- {name: billing, ...}") {
		if r.isFull() {
			break
		}
		all = append(all, read(item))
	}
	return all
}

// client reads what both doors have. It is false of what is none, after a complaint.
func (r *reader) client(ctx context.Context, d door, v value) (a applicant, c Client, ok bool) {
	s, ok := r.section(v, d.client)
	if !ok {
		return applicant{}, Client{}, false
	}
	a = applicant{section: s, door: d, name: r.name(s, r.clients.namesAt(d))}
	c = Client{
		Name:   a.name,
		Secret: r.clientSecret(ctx, a, "secret", d.secret, ""),
		SANs:   r.sans(a),
		Rate:   cmp.Or(r.rate(s.get("rate"), maxRate), DefaultRate),
	}
	c.Previous = r.clientSecret(ctx, a, "previous_secret", "", c.Secret.Reveal())
	return a, c, true
}

// inlineClientSecrets are keys that people write in place of those with _file.
var inlineClientSecrets = map[string]string{"secret": inline("secret"), "previous_secret": inline("previous_secret")}

// clientSecret is zero where it is absent, after a complaint, and where it is the same as the client's other
// one: that is so for a moment while one takes the place of the other. whose is as of secret.
func (r *reader) clientSecret(ctx context.Context, a applicant, key, whose, other string) tokencache.Secret {
	f := r.secret(ctx, a.section, key, whose)
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
	case other != "" && f.text == other, !r.claim(a, f.value, "secret "+f.text, "holds the secret"):
	default:
		return f.secret()
	}
	return tokencache.Secret{}
}

// sans are those of cert: {san: ...}.
func (r *reader) sans(a applicant) []string {
	v := a.get("cert")
	s, ok := r.section(v, keys{known: []string{"san"}})
	if !ok {
		return nil
	}
	if tls := a.door.get("tls"); !hasKey(tls, "client_ca_file") {
		r.complain(v, "needs "+tls.path+".client_ca_file, by which the certificates of clients are looked at: set it, or leave this out")
	}
	words := r.wordsOrOne(r.need(s, "san", "a name in the certificate: of a host, or a URI"), "[billing.example]")
	if list := s.get("san"); list.node != nil && len(words) == 0 && !r.told[list.path] {
		r.complain(list, "is empty: give a name in the certificate, or leave cert out")
	}
	for _, w := range words {
		r.checkSAN(a, w)
	}
	return texts(words)
}

func (r *reader) checkSAN(a applicant, w word) {
	const longest = 2048
	switch {
	case plain.Fault(w.text) != "":
		r.complain(w.value, "is no name in a certificate: "+plain.Fault(w.text))
	case clients.FaultOfSAN(w.text) != "":
		r.complain(w.value, clients.FaultOfSAN(w.text))
	case len(w.text) > longest:
		r.complainf(w.value, "is longer than %d bytes", longest)
	default:
		r.claim(a, w.value, "san "+clients.CanonicalSAN(w.text), "is a name in the certificate")
	}
}

// grants are the credentials of a client, each of which the file has to have.
func (r *reader) grants(a applicant) []word {
	words := r.words(r.need(a.section, "credentials", a.door.granted), "[crm]")
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
	return words
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

// rights are what clients of a door may have, and those of the other door, which people write here.
type rights struct {
	own, foreign []string
	other        string // the other door
	hint         string // what to tell who wants one of the foreign
}

// may reads rights, each once; none where it is absent.
func (r *reader) may(a applicant) []string {
	var all []string
	these := a.door.rights
	for _, item := range r.list(a.get("may"), "["+these.own[0]+"]") {
		if slices.Contains(these.foreign, item.node.Value) {
			r.complainf(item, "%s is for clients of %s: here %s%s", quoted(item.node.Value), these.other, oneOf(these.own, ""), these.hint)
			continue
		}
		what := r.choice(item, these.own...)
		if slices.Contains(all, what) {
			r.complain(item, "is there twice: keep one")
		} else if what != "" {
			all = append(all, what)
		}
	}
	return all
}
