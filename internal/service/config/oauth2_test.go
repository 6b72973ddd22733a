package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const asClient = `credentials:
  - {name: m2m, kind: oauth2, token_url: https://idp.example/t, client_id: x, client_secret_file: app,
     `

// What oauth2cc.Config complains of is told by the keys, where they stand.
func TestOAuth2Refused(t *testing.T) {
	s := newStage(t)
	s.write("short", "abc")
	edges := []edge{
		{"credentials: [{name: m2m, kind: oauth2}]", []string{
			"1:15: credentials[0].token_url: is missing: it is the server's token endpoint, such as https://login.example.com/oauth2/token",
			"1:15: credentials[0].client_id: is missing: it is what the server calls this client",
			"1:15: credentials[0].client_secret_file: is missing: name the file that holds the client's secret, or a variable by client_secret_env",
		}},
		{"credentials: [{name: m2m, kind: oauth2, client_secret: " + inlineSecret + ", client_id: 7, token_url: 'ftp://" + inlineSecret + "'}]", []string{
			"1:15: credentials[0].client_secret_file: is missing: name the file that holds the client's secret, or a variable by client_secret_env",
			"1:41: credentials[0].client_secret: is a secret, and none stands in this file: write it into a file and name that by client_secret_file, or a variable by client_secret_env",
			"1:81: credentials[0].client_id: is read as a number, where a text is wanted: put it in quotes",
			"1:95: credentials[0].token_url: has to look like https://login.example.com/oauth2/token (http:// for a test)",
		}},
	}
	for _, c := range [][2]string{
		{"auth: digest", `6: credentials[0].auth: "digest" is not known: there are basic and body`},
		{"auth: Basic", `6: credentials[0].auth: "Basic" is not known: did you mean basic?`},
		{"auth: client_secret_basic", `6: credentials[0].auth: "client_secret_basic" is not known: there are basic and body`},
		{"scopes: read", "6: credentials[0].scopes: has to be a list, such as [read], and not a text"},
		{"scopes: [ok, 'a b']", "19: credentials[0].scopes[1]: has a space in it: give each scope by itself"},
		{"scopes: [ok, 'a\"b']", `19: credentials[0].scopes[1]: has a " or a \ in it, which no scope has`},
		{"scopes: [ok, 1]", "19: credentials[0].scopes[1]: is read as a number, where a text is wanted: put it in quotes"},
		{"scopes: [" + strings.Repeat("x", 8193) + "]", "6: credentials[0].scopes: has scopes of more than 8192 bytes in all"},
		{"audience: ' x'", "6: credentials[0].audience: begins or ends with a blank or a newline: leave that out"},
		{"resource: ['x ']", "17: credentials[0].resource[0]: begins or ends with a blank or a newline: leave that out"},
		{"life: 1000h", "6: credentials[0].life: has to be 1s to max_life"},
		{"max_life: 1ms", "6: credentials[0].max_life: has to be 1s to 87600h0m0s"},
		{"window: 1ns", "6: credentials[0].window: has to be 1ms to 87600h0m0s"},
		{"params: [a]", `6: credentials[0].params: has to be keys with values, such as {tenant: "7"}, and not a list`},
		{"params: {a: x, a: y}", "21: credentials[0].params: has a name twice: keep one"},
		{"params: {a: 1}", "15: credentials[0].params: is read as a number, where a text is wanted: put it in quotes"},
		{"params: {1: a}", "15: credentials[0].params: has a name that is no text: put it in quotes"},
		{"params: {[a]: a}", "15: credentials[0].params: has a name that is no text: put it in quotes"},
		{"params: {'': a}", "15: credentials[0].params: has a pair without a name"},
		{"params: {'a=b': a}", "15: credentials[0].params: has a name with a = in it: give name and value apart"},
		{"params: {'a b': a}", "15: credentials[0].params: has a name that is long, or has more than printable ASCII without spaces"},
		{"params: {Scope: a}", "15: credentials[0].params: repeats scope: use its own key for it"},
		{"params: {grant_type: a}", "15: credentials[0].params: has grant_type, which is always client_credentials: leave it out"},
		{"params: {client_assertion: a}", "15: credentials[0].params: has client_assertion: a client shows here who it is by its client secret alone"},
		{"params: {api_key: " + inlineSecret + "}", "15: credentials[0].params: has a name that sounds like that of a secret: all but the client secret may be seen by anybody, and a server that wants one more is none for this kind"},
		{"params: {a: ' x'}", "15: credentials[0].params: has a value that begins or ends with a blank or a newline: leave that out"},
		{`params: {a: "x\ny"}`, "15: credentials[0].params: has a value of which its character 2 is a newline"},
	} {
		edges = append(edges, edge{asClient + c[0] + "}", []string{"3:" + c[1]}})
	}
	var pairs []string
	for i := range 29 {
		pairs = append(pairs, fmt.Sprintf("p%d: x", i))
	}
	edges = append(edges, edge{asClient + "params: {" + strings.Join(pairs, ", ") + "}}", []string{"2:5: credentials[0]: resource and params are more than 28"}})
	var long []string
	for i := range 25 {
		long = append(long, fmt.Sprintf("p%d: %s", i, strings.Repeat("x", 2040)))
	}
	edges = append(edges, edge{asClient + "params: {" + strings.Join(long, ", ") + "}}", []string{
		"2:5: credentials[0]: scopes, audience, resource and params have more than 49152 bytes in all, with their names",
	}})
	s.assertTold(edges)
}

// What is asked for is part of the credential.
func TestOAuth2Taken(t *testing.T) {
	s := newStage(t)
	seen := map[string]string{}
	for _, keys := range []string{"", "auth: body", "scopes: [a]", "audience: a", "resource: [a]", "params: {a: ''}", "params: {a: b}"} {
		c := s.good(asClient + keys + "}")
		require.Len(t, c.Credentials, 1)
		id := c.Credentials[0].Fetcher.Credential().ID()
		assert.Empty(t, seen[id], "%s", keys)
		seen[id] = keys + " "
	}
	assert.Equal(t, s.good(asClient + "scopes: [a, b, a]}").Credentials[0].Revision, s.good(asClient + "scopes: [b, a]}").Credentials[0].Revision)
}
