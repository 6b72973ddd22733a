package config_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Of X_file and X_env exactly one, that can be read and has something in it.
func TestSecrets(t *testing.T) {
	s := newStage(t)
	s.write("empty", "")
	s.write("newline", "\n")
	s.write("large", strings.Repeat("x", 64<<10+1))
	s.write("lines", appSecret+"\n\n")
	s.variables["LARGE"] = strings.Repeat("x", 64<<10+1)
	const before = "credentials: [{name: crm, kind: feishu, app_id: cli_1, "
	edges := []edge{}
	for _, c := range [][2]string{
		{"app_secret_file: " + inlineSecret, "1:56: credentials[0].app_secret_file: the file cannot be taken: no such file or directory"},
		{"app_secret_file: .", "1:56: credentials[0].app_secret_file: the file cannot be taken: it is no regular file, but a folder, a pipe or a device"},
		{"app_secret_file: '-'", `1:56: credentials[0].app_secret_file: the file cannot be taken: "-" is standard input, which cannot be read again after a change: name a file`},
		{"app_secret_file: empty", "1:56: credentials[0].app_secret_file: the file cannot be taken: it is empty: write the value into it"},
		{"app_secret_file: newline", "1:56: credentials[0].app_secret_file: the file cannot be taken: it is empty: write the value into it"},
		{"app_secret_file: large", "1:56: credentials[0].app_secret_file: the file cannot be taken: it is larger than 64 KiB"},
		{"app_secret_file: lines", "1:56: credentials[0].app_secret_file: its last character is a newline"},
		{"app_secret_file: 1", "1:56: credentials[0].app_secret_file: is read as a number, where a text is wanted: put it in quotes"},
		{"app_secret_env: NONE", "1:56: credentials[0].app_secret_env: the variable that it names is not set, or empty"},
		{"app_secret_env: $" + inlineSecret, "1:56: credentials[0].app_secret_env: is no name of a variable: letters, digits and _"},
		{"app_secret_env: LARGE", "1:56: credentials[0].app_secret_env: the variable that it names is larger than 64 KiB"},
	} {
		edges = append(edges, edge{before + c[0] + "}]", []string{c[1]}})
	}
	s.assertTold(append(edges, edge{before + "app_secret_file: app, app_secret_env: APP}]", []string{
		"1:78: credentials[0].app_secret_env: stands beside app_secret_file: keep one of the two",
	}}))
}

// One newline at the end is cut, of files alone.
func TestNewlines(t *testing.T) {
	s := newStage(t)
	for _, end := range []string{"", "\n", "\r\n"} {
		s.write("client", clientSecret+end)
		c := s.good(crm + "tokens: {listen: '127.0.0.1:1', clients: [{name: b, secret_file: client, credentials: []}]}")
		assert.Equal(t, clientSecret, c.Tokens.Clients[0].Secret.Reveal())
	}
	s.variables["CLIENT"] += "\n"
	assert.Len(t, s.told(crm+"tokens: {listen: '127.0.0.1:1', clients: [{name: b, secret_env: CLIENT, credentials: []}]}"), 1)
}
