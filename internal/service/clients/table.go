package clients

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/onetoken-go/onetoken/internal/service/peer"
	"github.com/onetoken-go/onetoken/tokencache"
)

// Table finds clients. It is immutable but for their rates, and safe for concurrent use; to find one
// does no I/O and costs a digest. The zero Table has no clients.
type Table struct {
	digests  digester
	members  map[string]*member // by name
	bySecret map[digest]*member
	bySAN    map[san]*member
	byUID    map[uint32]*member
}

// member is a client in a Table.
type member struct {
	name        string
	digest      digest // of the name
	credentials map[string]struct{}
	names       []string // of the credentials, sorted
	may         Permission
	sealers     [mostSecrets]*sealer // of its secrets, in their order; noSealer where there is none
	pace        *pace
}

// nobody stands for the client that a secret does not have. No name has its digest.
var nobody = &member{sealers: [mostSecrets]*sealer{noSealer, noSealer}}

// New makes a Table of clients in any order; of none, too. Before is the Table that it replaces, whose
// clients go on with what they have used of their rate, unless that or their name has changed; nil if
// there is none. The error joins every complaint, names clients by their place in the list, counted
// from 1, and quotes no secret.
func New(list []Client, before *Table) (*Table, error) {
	t := &Table{
		digests:  newDigester(),
		members:  make(map[string]*member, len(list)),
		bySecret: make(map[digest]*member, len(list)),
		bySAN:    make(map[san]*member),
		byUID:    make(map[uint32]*member),
	}
	var errs []error
	for i, c := range list {
		for _, err := range append(c.complaints(), t.add(c, before)...) {
			errs = append(errs, fmt.Errorf("client %d%s: %w", i+1, quoted(c.Name), err))
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return t, nil
}

// quoted is a name for a complaint: only if it is one, for else a secret may stand in its place.
func quoted(name string) string {
	if !nameShape.MatchString(name) {
		return ""
	}
	return " (" + name + ")"
}

// add complains of what another client has already. What is wrong with c by itself has been said.
func (t *Table) add(c Client, before *Table) (errs []error) {
	m := t.newMember(c, before)
	if _, taken := t.members[m.name]; taken {
		errs = append(errs, errors.New("another client has this name"))
	}
	t.members[m.name] = m
	for i, secret := range c.Secrets {
		if taken(t.bySecret, t.digests.of(secret.Reveal()), m) && faultOf(secret.Reveal()) == "" {
			errs = append(errs, fmt.Errorf("secret %d is another client's, too: each needs one of its own", i+1))
		}
	}
	for i, name := range c.SANs {
		if parsed, fault := parseSAN(name); fault == "" && taken(t.bySAN, parsed, m) {
			errs = append(errs, fmt.Errorf("name %d of its certificate is another client's, too: each needs one of its own", i+1))
		}
	}
	if c.UID != nil && taken(t.byUID, *c.UID, m) {
		errs = append(errs, errors.New("its user id is another client's, too: let each run as a user of its own"))
	}
	return errs
}

// taken notes whose the key is, and reports whether it is somebody else's already.
func taken[K comparable](owners map[K]*member, key K, m *member) bool {
	owner, known := owners[key]
	owners[key] = m
	return known && owner != m
}

func (t *Table) newMember(c Client, before *Table) *member {
	m := &member{name: c.Name, digest: t.digests.of(c.Name), may: c.May, credentials: make(map[string]struct{})}
	for _, name := range c.Credentials {
		m.credentials[name] = struct{}{}
	}
	m.names = slices.Sorted(maps.Keys(m.credentials))
	m.sealers = t.sealersOf(c.Secrets)
	var old *pace
	if before != nil && before.members[c.Name] != nil {
		old = before.members[c.Name].pace
	}
	m.pace = newPace(c.Rate, old)
	return m
}

// sealersOf leaves out secrets after the second, of which New complains.
func (t *Table) sealersOf(secrets []tokencache.Secret) (all [mostSecrets]*sealer) {
	for i := range all {
		all[i] = noSealer
		if i < len(secrets) {
			all[i] = newSealer(secrets[i].Reveal(), t.digests.of(secrets[i].Reveal()))
		}
	}
	return all
}

// BySecret finds the client that has the secret.
func (t *Table) BySecret(secret string) (Identity, bool) {
	shown := t.digests.of(secret)
	m := t.bySecret[shown]
	if m == nil {
		return Identity{}, false
	}
	return Identity{m, Secret, m.sealerOf(shown)}, true
}

// ByNameAndSecret finds the client that has both. It takes the same steps whether the name, the secret
// or both are nobody's.
func (t *Table) ByNameAndSecret(name, secret string) (Identity, bool) {
	shown := t.digests.of(secret)
	m := t.bySecret[shown]
	if m == nil {
		m = nobody
	}
	if !m.digest.equals(t.digests.of(name)) {
		return Identity{}, false
	}
	return Identity{m, Secret, m.sealerOf(shown)}, true
}

// ByCertificate finds the client that a verified certificate names. One that names two clients is
// nobody's. No certificate, or a connection without TLS, which is nil, is nobody's either.
func (t *Table) ByCertificate(state *tls.ConnectionState) (Identity, bool) {
	var found *member
	for _, name := range sansOf(state) {
		m := t.bySAN[name]
		if m == nil || m == found {
			continue
		}
		if found != nil {
			return Identity{}, false
		}
		found = m
	}
	return unsealed(found, Certificate, found != nil)
}

// ByPeer finds the client whose process is at the other end of a unix socket: see [peer.WithPeer].
func (t *Table) ByPeer(ctx context.Context) (Identity, bool) {
	uid, known := peer.PeerOf(ctx)
	m := t.byUID[uid]
	return unsealed(m, UID, known && m != nil)
}
