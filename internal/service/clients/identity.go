package clients

import "time"

// Way is by what a client was identified.
type Way string

// All ways that there are.
const (
	Secret      Way = "secret"
	Certificate Way = "certificate"
	UID         Way = "uid"
	Sealed      Way = "stand-in" // something that it was given for its secret
)

// Identity is a client that a [Table] has found. It is good for one request: a reload may take rights
// away. The zero Identity is nobody: it may do nothing.
type Identity struct {
	member *member
	way    Way
	sealer *sealer // of the secret that it was found by; nil: it was not found by one
}

// unsealed is found without a secret; the zero one if it was not found.
func unsealed(m *member, way Way, found bool) (Identity, bool) {
	if !found {
		return Identity{}, false
	}
	return Identity{member: m, way: way}, true
}

// Name returns the client's name; empty of the zero Identity.
func (id Identity) Name() string {
	if id.member == nil {
		return ""
	}
	return id.member.name
}

// Way returns by what it was identified; empty of the zero Identity.
func (id Identity) Way() Way { return id.way }

// May reports whether the client may do all that p names with the credential of that name, whether or
// not there is one.
func (id Identity) May(credential string, p Permission) bool {
	if id.member == nil {
		return false
	}
	_, granted := id.member.credentials[credential]
	return granted && id.member.may&p == p
}

// Credentials returns the names of the credentials that are granted to the client, sorted; whether or not there
// are such credentials. Callers do not change it. nil of the zero Identity.
func (id Identity) Credentials() []string {
	if id.member == nil {
		return nil
	}
	return id.member.names
}

// OnlyCredential returns the name of the one credential that the client has; false if it has none, or more.
func (id Identity) OnlyCredential() (name string, ok bool) {
	names := id.Credentials()
	if len(names) != 1 {
		return "", false
	}
	return names[0], true
}

// Admit counts a request of the client's, once it is known that it is one, so that nobody else can use
// up its rate. Of a request too many it reports false, and how long until there is room for another, an
// hour at most. The zero Identity is never admitted.
func (id Identity) Admit() (wait time.Duration, ok bool) {
	if id.member == nil {
		return longestWait, false
	}
	return id.member.pace.admit(time.Now())
}
