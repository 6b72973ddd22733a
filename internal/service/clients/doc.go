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
//     protocol has [Table.BySecret], and for what it has given out by that [Table.BySeal].
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
// # Seals
//
// A gateway gives a client a stand-in in place of a token: a text that says whose it is, for what and until when.
// [Identity.Seal] makes the seal below that text, by which every service that has the same client knows it for
// one of its own, by [Table.BySeal]: none has to remember or to share what it gave out. A seal's key is made of the
// secret that the client has shown (HKDF-SHA256), so that a seal ends with this secret, and with its client. What
// else a message has to say, such as until when, and which grants still hold, is for the gateway to ask.
//
// Whoever has the secret could make such seals, for as long as they like. That gives them nothing: with the
// secret they may have stand-ins anyway, for as long as it is one.
//
// # Promised
//
//   - A Table holds no secret: of each a digest, under a key that it draws for itself, and the key of its seals,
//     neither of which is printed. Who reads the process' memory could make seals by that key, and check guesses
//     of a secret; of one that is random, as openssl rand makes it, there are too many.
//   - To be refused takes the same steps whoever is refused: one digest and one look-up among the
//     secrets of all clients, and with a name a comparison in constant time, also if there is no such
//     secret. How long a look-up takes may depend on digests, and these on a key that nobody knows. A seal
//     takes two HMACs to be refused, likewise.
//   - An unknown client costs no memory: nothing is kept of who was refused.
//   - A client's rate goes on through reloads that do not change it. It is for all doors that ask one Table
//     together; a gateway has a Table of its own, and so its clients have a rate of their own there.
//
// # Not promised
//
// Guesses of secrets are not slowed down: that would take a memory of addresses, which anybody could
// fill, or hold up clients that know theirs. So a secret has 16 characters or more.
//
// # Reading order
//
// client.go is what a client is, with every complaint; table.go finds one; identify.go reads requests,
// san.go certificates, seal.go seals; identity.go is what was found, pace.go its rate, digest.go how secrets
// are compared.
package clients
