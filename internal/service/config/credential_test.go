package config_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCredentialsRefused(t *testing.T) {
	const rules = "a name has 1 to 63 characters of a to z, 0 to 9, . _ and -, and begins with a letter or a digit"
	const rest = "kind: feishu, app_id: cli_1, app_secret_file: app}"
	newStage(t).assertTold([]edge{
		{"credentials: [{" + rest + "]", []string{"1:15: credentials[0].name: is missing: " + rules}},
		{"credentials: [{name: CRM, " + rest + "]", []string{"1:16: credentials[0].name: is no name: " + rules}},
		{"credentials: [{name: -crm, " + rest + "]", []string{"1:16: credentials[0].name: is no name: " + rules}},
		{"credentials: [{name: '" + strings.Repeat("x", 64) + "', " + rest + "]", []string{"1:16: credentials[0].name: is no name: " + rules}},
		{"credentials: [{name: 1, " + rest + "]", []string{"1:16: credentials[0].name: is read as a number, where a text is wanted: put it in quotes"}},
		{"credentials:\n- {name: a, " + rest + "\n- {name: a, " + rest, []string{"3:4: credentials[1].name: is the name of credentials[0] already: give each its own"}},
		{"credentials: [{name: crm, app_id: cli_1, app_secret_file: app}]", []string{"1:15: credentials[0].kind: is missing: there are feishu and oauth2"}},
		{"credentials: [{name: crm, kind: lark, client_id: x, app_id: y}]", []string{`1:27: credentials[0].kind: "lark" is not known: there are feishu and oauth2`}},
		{"credentials: [{name: crm, kind: OAuth2}]", []string{`1:27: credentials[0].kind: "OAuth2" is not known: did you mean oauth2?`}},
		{"credentials: [{name: crm, kind: [feishu]}]", []string{`1:27: credentials[0].kind: has to be one text, and not a list`}},
	})
}

func TestNamesTaken(t *testing.T) {
	s := newStage(t)
	for _, name := range []string{"a", "0", "a.b_c-d", strings.Repeat("x", 63)} {
		c := s.good("credentials: [{name: '" + name + "', kind: feishu, app_id: cli_1, app_secret_file: app}]")
		assert.Equal(t, name, c.Credentials[0].Name)
	}
}

// An address that is not encrypted is legal, and told at each reading, but not logged at each.
func TestClearText(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(before)
	s := newStage(t)
	c := s.good(withKeys + "base_url: 'http://gateway.example'}, {name: m2m, kind: oauth2, token_url: 'http://idp.example/t', client_id: x, client_secret_file: app}]")
	assert.Empty(t, log.String())
	assert.True(t, c.Credentials[0].Fetcher.Unencrypted())
	require.Len(t, c.Warnings, 2)
	assert.Equal(t, c.Warnings[0].File+":1:78: credentials[0].base_url: secret and tokens travel unencrypted: use https", c.Warnings[0].String())
	assert.Equal(t, c.Warnings[1].File+":1:141: credentials[1].token_url: secret and tokens travel unencrypted: use https", c.Warnings[1].String())
	assert.Empty(t, s.good(withKeys+"base_url: 'http://127.0.0.1:1'}]").Warnings)
}
