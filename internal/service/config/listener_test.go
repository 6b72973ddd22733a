package config_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestListenersRefused(t *testing.T) {
	s := newStage(t)
	const open = "can be reached from other hosts, and there is no TLS: listen on 127.0.0.1, set tls, or insecure: true where nobody else is on the network"
	const form = "has to be host:port, such as 127.0.0.1:8080 or [::1]:8080"
	edges := []edge{
		{empty + "status: {}", []string{"2:1: status.listen: is missing: host:port to serve on, such as 127.0.0.1:8080; without a status section nothing is served"}},
		{empty + "status: '127.0.0.1:1'", []string{"2:1: status: has to be keys with values, one a line, and not a text: there are listen, tls and insecure"}},
		{empty + "status: {listen: '127.0.0.1:1', insecure: yes}", []string{`2:33: status.insecure: "yes" is neither true nor false`}},
	}
	for _, c := range [][2]string{
		{":8080", open}, {"0.0.0.0:8080", open}, {"[::]:8080", open}, {"10.0.0.1:8080", open}, {"example.com:80", open}, {"localhost.example:80", open},
		{"127.0.0.1", form}, {"8080", form}, {"::1:8080", form}, {inlineSecret, form}, {"http://127.0.0.1:8080", form},
		{"127.0.0.1:", form + ", with a port from 1 to 65535, or 0 for a free one"},
		{"127.0.0.1:65536", form + ", with a port from 1 to 65535, or 0 for a free one"},
		{"127.0.0.1:http", form + ", with a port from 1 to 65535, or 0 for a free one"},
		{"127.0.0.1:-1", form + ", with a port from 1 to 65535, or 0 for a free one"},
		{"a b:80", "has a host that is none: host:port, such as 127.0.0.1:8080 or [::1]:8080"},
		{"a/b:80", "has a host that is none: host:port, such as 127.0.0.1:8080 or [::1]:8080"},
	} {
		edges = append(edges, edge{empty + "status: {listen: '" + c[0] + "'}", []string{"2:10: status.listen: " + c[1]}})
	}
	s.assertTold(edges)
}

func TestListenersTaken(t *testing.T) {
	s := newStage(t)
	cert, key := newAuthority(t).valid()
	s.write("cert", cert)
	s.write("key", key)
	for _, listen := range []string{"127.0.0.1:1", "127.9.9.9:65535", "[::1]:8080", "localhost:8080", "LocalHost:8080", "[::ffff:127.0.0.1]:1", "127.0.0.1:0"} {
		assert.Equal(t, listen, s.good(empty+"status: {listen: '"+listen+"'}").Status.Listen)
	}
	assert.True(t, s.good(empty+"status: {listen: ':8080', insecure: true}").Status.Insecure)
	c := s.good(empty + "status: {listen: ':8080', tls: {cert_file: cert, key_file: key}}")
	assert.NotNil(t, c.Status.TLS)
	assert.Nil(t, c.Status.TLS.ClientCA)
}

// Two listeners on one address: the second could not listen.
func TestListenersApart(t *testing.T) {
	s := newStage(t)
	for _, c := range []struct {
		status, tokens string
		collide        bool
	}{
		{"127.0.0.1:1", "127.0.0.1:1", true},
		{"127.0.0.1:1", "127.0.0.1:01", true},
		{"127.0.0.1:1", "localhost:1", true},
		{"127.0.0.1:1", "[::ffff:127.0.0.1]:1", true},
		{"127.0.0.1:1", ":1", true},
		{"0.0.0.0:1", "127.0.0.1:1", true},
		{"127.0.0.1:1", "[::]:1", true},
		{"Example.com:1", "example.COM:1", true},
		{"127.0.0.1:1", "127.0.0.2:1", false},
		{"127.0.0.1:1", "127.0.0.1:2", false},
		{"127.0.0.1:1", "[::1]:1", false},
		{"127.0.0.1:0", "127.0.0.1:0", false},
	} {
		told := s.told(empty + "status: {listen: '" + c.status + "', insecure: true}\ntokens: {listen: '" + c.tokens + "', insecure: true, clients: []}")
		if !c.collide {
			assert.Empty(t, told, "%v", c)
			continue
		}
		assert.Equal(t, []string{"3:10: tokens.listen: is the address of status.listen: give each its own port"}, told, "%v", c)
	}
}

// Of three each has its own, and each that has not is named.
func TestThreeListenersApart(t *testing.T) {
	s := newStage(t)
	of := func(status, tokens, gateway string) string {
		return empty + "status: {listen: '" + status + "'}\ntokens: {listen: '" + tokens + "', clients: []}\ngateway: {listen: '" + gateway + "', insecure: true, clients: []}"
	}
	const ofStatus = "4:11: gateway.listen: is the address of status.listen: give each its own port"
	const ofTokens = "4:11: gateway.listen: is the address of tokens.listen: give each its own port"
	s.assertTold([]edge{
		{of("127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"), nil},
		{of("127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"), nil},
		{of("127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:1"), []string{ofStatus}},
		{of("127.0.0.1:1", "127.0.0.1:2", "localhost:2"), []string{ofTokens}},
		{of("127.0.0.1:1", "127.0.0.2:1", ":1"), []string{ofStatus, ofTokens}},
		{empty + "tokens: {socket: t.sock, clients: []}\ngateway: {listen: '127.0.0.1:1', clients: []}", nil},
	})
}
