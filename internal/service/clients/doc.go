// Package clients knows who may ask the service for tokens, and tells by a request who asks.
//
// A [Table] is made whole from the configuration and never changes; a reload makes another. Its owner
// keeps it behind an atomic pointer, and every door of the service asks the one in force:
//
//	table, err := clients.New(list, nil) // at first; after a reload: clients.New(list, before)
//	who, ok := table.Identify(r)         // a request of the token door
//	who.May("crm", clients.Get)
//	who.Admit()                          // its rate
//
// # Who a client is
//
// A client is identified by one of these, each of which belongs to one client alone:
//
//   - A secret, of which it may have two while one replaces the other: as a Bearer token, or beside the
//     client's name by HTTP Basic or in a form (RFC 6749, section 2.3.1). A gateway that speaks another
//     protocol has [Table.BySecret].
//   - The name in its TLS certificate: a DNS name or a URI, such as a SPIFFE ID, among the subject
//     alternative names. The listener's certificate authority has verified it; what it has not
//     verified counts for nothing. Nor do common names, which every authority fills in its own way,
//     e-mail addresses, which name persons, and IP addresses, which change hands. Names are compared as
//     wholes: there are no wildcards.
//   - The user id of the process at the other end of a unix socket, which the listener finds out and
//     hands on by [peer.WithPeer].
//
// A secret decides alone where a request has one: whoever sends a wrong one is refused, whatever the
// certificate or the user id. Nothing is read from a URL.
//
// # Promised
//
//   - A Table holds digests of secrets, under a key that it draws for itself, and so nothing that could
//     be printed or dumped.
//   - To be refused takes the same steps whoever is refused: one digest and one look-up among the
//     secrets of all clients, and with a name a comparison in constant time, also if there is no such
//     secret. How long a look-up takes may depend on digests, and these on a key that nobody knows.
//   - An unknown client costs no memory: nothing is kept of who was refused.
//   - A client's rate goes on through reloads that do not change it.
//
// # Not promised
//
// Guesses of secrets are not slowed down: that would take a memory of addresses, which anybody could
// fill, or hold up clients that know theirs. So a secret has 16 characters or more.
//
// # Reading order
//
// client.go is what a client is, with every complaint; table.go finds one; identify.go reads requests,
// san.go certificates; identity.go is what was found, pace.go its rate, digest.go how secrets
// are compared.
package clients
