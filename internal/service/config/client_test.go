package config_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// door has clients at an address and a socket, which begin in line 4, column 5.
func door(clients ...string) string {
	return crm + "tokens: {listen: '127.0.0.1:1', socket: t.sock, clients: [\n\n    " + strings.Join(clients, ",\n    ") + "]}"
}

func TestClientsRefused(t *testing.T) {
	s := newStage(t)
	s.write("short", "0123456789abcde")
	s.write("blank", "0123456789 abcdef")
	s.write("long", strings.Repeat("x", 4097))
	s.write("same", clientSecret)
	s.write("b", "another-secret-of-a-client")
	const taken = ": each has to be of one client alone, and once"
	edges := []edge{
		{door("{}"), []string{
			"4:5: tokens.clients[0].name: is missing: a name has 1 to 63 characters of a to z, 0 to 9, . _ and -, and begins with a letter or a digit",
			"4:5: tokens.clients[0].credentials: is missing: list the names of those that this client may have the tokens of",
			"4:5: tokens.clients[0]: has nothing to show who it is: set secret_file, secret_env, cert or uid",
		}},
		{door("{name: a, secret_file: client, credentials: []}", "{name: a, uid: 1, credentials: []}"), []string{
			"5:6: tokens.clients[1].name: is the name of tokens.clients[0] already: give each its own",
		}},
		{door("{name: a, secret_file: client, credentials: []}", "{name: b, secret_file: same, credentials: []}"), []string{
			"5:15: tokens.clients[1].secret_file: holds the secret of tokens.clients[0].secret_file" + taken,
		}},
		{door("{name: a, secret_file: b, previous_secret_env: CLIENT, credentials: []}", "{name: b, secret_file: same, credentials: []}"), []string{
			"5:15: tokens.clients[1].secret_file: holds the secret of tokens.clients[0].previous_secret_env" + taken,
		}},
		{door("{name: a, uid: 7, credentials: []}", "{name: b, uid: 7, credentials: []}"), []string{
			"5:15: tokens.clients[1].uid: is the uid of tokens.clients[0].uid" + taken,
		}},
		{door("{name: a, previous_secret_file: client, uid: 7, credentials: []}"), []string{
			"4:5: tokens.clients[0]: has a previous secret, and no secret: set secret_file or secret_env, to what is to take its place",
		}},
		{crm + "tokens: {listen: '127.0.0.1:1', clients: [{name: a, uid: 7, credentials: []}]}", []string{
			"2:53: tokens.clients[0].uid: needs tokens.socket, where the system says whose a process is: set it, or leave this out",
		}},
	}
	for _, c := range [][2]string{
		{"secret: " + inlineSecret, "secret: is a secret, and none stands in this file: write it into a file and name that by secret_file, or a variable by secret_env"},
		{"secret_file: short", "secret_file: the secret is shorter than 16 characters: take a random one, such as openssl rand -hex 32 writes"},
		{"secret_file: long", "secret_file: the secret is longer than 1024 characters"},
		{"secret_file: blank", "secret_file: of the secret its character 11 is a space: it has to be printable ASCII without spaces, such as openssl rand -hex 32 writes"},
		{"may: got", "may: has to be a list, such as [get], and not a text"},
		{"may: []", "may: is empty: leave the key out for get and reject"},
		{"rate: 0", "rate: has to be a number above 0, up to 100000"},
		{"rate: -1", "rate: has to be a number above 0, up to 100000"},
		{"rate: .inf", "rate: has to be a number above 0, up to 100000"},
		{"rate: .nan", "rate: has to be a number above 0, up to 100000"},
		{"rate: '5'", "rate: has to be a number above 0, up to 100000"},
		{"rate: 5/s", "rate: has to be a number above 0, up to 100000"},
		{"rate: [5]", "rate: has to be a number above 0, up to 100000"},
		{"cert: {san: x}", "cert: needs tokens.tls.client_ca_file, by which the certificates of clients are looked at: set it, or leave this out"},
		{"cert: x", "cert: has to be keys with values, one a line, and not a text: there is san"},
	} {
		edges = append(edges, edge{door("{name: a, credentials: [], uid: 7, " + c[0] + "}"), []string{"4:40: tokens.clients[0]." + c[1]}})
	}
	for _, uid := range []string{"-1", "0100", "1_000", "0x10", "1.5", "'7'", "root", "4294967295", "4294967296", "[7]"} {
		edges = append(edges, edge{door("{name: a, credentials: [], uid: " + uid + "}"), []string{
			"4:32: tokens.clients[0].uid: has to be the number of a user, such as 1000: id -u NAME prints it",
		}})
	}
	for _, c := range [][2]string{
		{"credentials: crm", "5: tokens.clients[0].credentials: has to be a list, such as [crm], and not a text"},
		{"credentials: [cmr]", "19: tokens.clients[0].credentials[0]: is the name of no credential here: did you mean crm?"},
		{"credentials: [" + inlineSecret + "]", "19: tokens.clients[0].credentials[0]: is the name of no credential here: add it to credentials, or take it out here"},
		{"credentials: [crm, crm]", "24: tokens.clients[0].credentials[1]: is there twice: keep one"},
	} {
		edges = append(edges, edge{door("{name: a, uid: 7,\n    " + c[0] + "}"), []string{"5:" + c[1]}})
	}
	edges = append(edges, edge{door("{name: a, uid: 7, credentials: [],\n    may: [ws, get, user_tokens]}"), []string{
		`5:11: tokens.clients[0].may[0]: "ws" is for clients of gateway: here there are get and reject`,
		`5:20: tokens.clients[0].may[2]: "user_tokens" is for clients of gateway: here there are get and reject`,
	}})
	edges = append(edges, edge{door("{name: a, uid: 7, credentials: [],\n    may: [get, got, get]}"), []string{
		`5:16: tokens.clients[0].may[1]: "got" is not known: did you mean get?`, "5:21: tokens.clients[0].may[2]: is there twice: keep one",
	}})
	s.assertTold(edges)
}

// Names in certificates are compared as a whole, and each is of one client.
func TestSANs(t *testing.T) {
	s := newStage(t)
	authority := newAuthority(t)
	cert, key := authority.valid()
	s.write("ca", authority.pem())
	s.write("cert", cert)
	s.write("key", key)
	withCert := func(clients ...string) string {
		return strings.Replace(door(clients...), "socket:", "tls: {cert_file: cert, key_file: key, client_ca_file: ca}, socket:", 1)
	}
	c := s.good(withCert("{name: a, cert: {san: billing.example}, credentials: [crm]}"))
	require.Len(t, c.Tokens.Clients, 1)
	assert.Equal(t, []string{"billing.example"}, c.Tokens.Clients[0].SANs)
	s.assertTold([]edge{
		{withCert("{name: a, cert: {}, credentials: []}"), []string{"4:15: tokens.clients[0].cert.san: is missing: a name in the certificate: of a host, or a URI"}},
		{withCert("{name: a, cert: {san: []}, credentials: []}"), []string{"4:22: tokens.clients[0].cert.san: is empty: give a name in the certificate, or leave cert out"}},
		{withCert("{name: a, cert: {san: ''}, credentials: []}"), []string{"4:22: tokens.clients[0].cert.san: is empty: give it a value, or leave the key out"}},
		{withCert("{name: a, cert: {san: ['*.example']}, credentials: []}"), []string{"4:28: tokens.clients[0].cert.san[0]: has a *: names are compared as wholes, so write each out"}},
		{withCert("{name: a, cert: {san: 'a b'}, credentials: []}"), []string{"4:22: tokens.clients[0].cert.san: is no name in a certificate: its character 2 is a space"}},
		{withCert("{name: a, cert: {san: [x, y]}, credentials: []}", "{name: b, cert: {san: y}, credentials: []}"), []string{
			"5:22: tokens.clients[1].cert.san: is a name in the certificate of tokens.clients[0].cert.san[1]: each has to be of one client alone, and once",
		}},
	})
}

func TestClientsTaken(t *testing.T) {
	s := newStage(t)
	c := s.good(door("{name: a, uid: 0, credentials: []}", "{name: b, uid: 4294967294, credentials: [crm], rate: 0.5, may: [reject]}"))
	assert.Equal(t, uint32(0), *c.Tokens.Clients[0].UID)
	assert.Equal(t, uint32(1<<32-2), *c.Tokens.Clients[1].UID)
	assert.InDelta(t, 0.5, c.Tokens.Clients[1].Rate, 0)
	assert.Equal(t, []string{"reject"}, c.Tokens.Clients[1].May)
}

// While one secret takes the place of the other, both files may hold the same for a moment.
func TestSecretThatIsItsOwnPrevious(t *testing.T) {
	s := newStage(t)
	s.write("one", "a-secret-of-some-length")
	s.write("two", "a-secret-of-some-length")
	c := s.good(door("{name: a, secret_file: one, previous_secret_file: two, credentials: []}"))
	assert.False(t, c.Tokens.Clients[0].Secret.IsZero())
	assert.True(t, c.Tokens.Clients[0].Previous.IsZero())
}
