package config_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTokensRefused(t *testing.T) {
	s := newStage(t)
	cert, key := newAuthority(t).valid()
	s.write("cert", cert)
	s.write("key", key)
	s.assertTold([]edge{
		{empty + "tokens: {clients: []}", []string{"2:1: tokens: has no door: set listen, socket or both, or leave tokens out"}},
		{empty + "tokens: {listen: '127.0.0.1:1'}", []string{"2:1: tokens.clients: is missing: list who may have tokens, or write clients: [] for nobody yet"}},
		{empty + "tokens: {listen: '127.0.0.1:1', clients: {}}", []string{"2:33: tokens.clients: has to be a list, such as - {name: billing, ...}, and not keys with values"}},
		{empty + "tokens: {listen: '127.0.0.1:1', clients: [billing]}", []string{
			"2:43: tokens.clients[0]: has to be keys with values, one a line, and not a text: there are name, secret_file, secret_env, previous_secret_file, previous_secret_env, cert, uid, credentials, may and rate",
		}},
		{empty + "tokens: {socket: a.sock, insecure: true, tls: {cert_file: cert, key_file: key}, clients: []}", []string{
			"2:26: tokens.insecure: is for listen, and that is not set: set it, or leave this out",
			"2:42: tokens.tls: is for listen, and that is not set: set it, or leave this out",
		}},
		{empty + "tokens: {listen: '127.0.0.1:1', socket_mode: 0660, clients: []}", []string{
			"2:33: tokens.socket_mode: is of a socket, and there is none: set socket, or leave this out",
		}},
	})
}

func TestTokensTaken(t *testing.T) {
	c := newStage(t).good(empty + "tokens: {socket: a.sock, clients: []}")
	assert.Empty(t, c.Tokens.Listen)
	assert.Empty(t, c.Tokens.Clients)
}
