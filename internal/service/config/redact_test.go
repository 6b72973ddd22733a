package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/config"
)

// No verb, logger or encoder shows a secret, a private key or a URL with a password: of the whole, or
// of any part.
func TestRedacted(t *testing.T) {
	s := newStage(t)
	authority := newAuthority(t)
	cert, key := authority.valid()
	s.write("cert", cert)
	s.write("key", key)
	s.write("ca", authority.pem())
	s.write("proxy", "http://me:"+password+"@proxy.example:3128")
	s.write("url", "rediss://me:"+password+"@h:1")
	s.write("old", "old-"+clientSecret)
	c := s.good(strings.Replace(withKeys, "app, ", "app, proxy_url_file: proxy, ca_file: ca}, {name: m2m, kind: oauth2, token_url: https://i.example/t, client_id: x, client_secret_file: app}]\n", 1) +
		"redis: {url_file: url, tls: {ca_file: ca, cert_file: cert, key_file: key}}\n" +
		"tokens: {listen: ':1', tls: {cert_file: cert, key_file: key, client_ca_file: ca}, clients: [{name: a, secret_file: client, previous_secret_file: old, credentials: [crm]}]}\n" +
		"gateway: {listen: ':2', tls: {cert_file: cert, key_file: key, client_ca_file: ca}, clients: [{name: a, secret_file: client, previous_secret_file: old, credentials: [crm]}]}\n")
	d := s.good(empty + "redis: {password_file: password}")

	hidden := append([]string{keyNumber(t, c)}, secrets...)
	for _, part := range []any{
		c, *c, c.Redis, &c.Redis, d.Redis, c.Redis.TLS, *c.Redis.TLS, c.Tokens, &c.Tokens, c.Tokens.TLS, *c.Tokens.TLS, c.Tokens.Clients, c.Gateway, &c.Gateway, c.Gateway.Clients, c.Credentials,
		c.Credentials[0], c.Credentials[1], c.Credentials[0].Fetcher, c.Credentials[0].Secret, c.Status, d,
	} {
		for _, printed := range everyPrint(part) {
			for _, secret := range hidden {
				assert.NotContains(t, printed, secret, "%T", part)
			}
		}
	}
}

// keyNumber is the private key, as fmt and JSON print it.
func keyNumber(t *testing.T, c *config.Config) string {
	t.Helper()
	raw, err := json.Marshal(c.Tokens.TLS.Certificate.PrivateKey)
	require.NoError(t, err)
	var key struct{ D json.Number }
	require.NoError(t, json.Unmarshal(raw, &key))
	require.NotEmpty(t, key.D.String())
	return key.D.String()
}

func everyPrint(part any) []string {
	var all []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%p"} {
		all = append(all, fmt.Sprintf(verb, part))
	}
	encoded, err := json.Marshal(part)
	all = append(all, string(encoded), fmt.Sprint(err))
	var b bytes.Buffer
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "part", part)
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "part", part)
	return append(all, b.String())
}

// A Config can be encoded as a whole, for whoever looks at it.
func TestConfigAsJSON(t *testing.T) {
	c := newStage(t).good(crm + "redis: {password_file: password}")
	encoded, err := json.Marshal(c)
	require.NoError(t, err)
	assert.Contains(t, string(encoded), `"Redis":"redis(single, password)"`)
	assert.Contains(t, string(encoded), `"Name":"crm"`)
	var read struct{ Credentials []map[string]any }
	require.NoError(t, json.Unmarshal(encoded, &read))
	for _, hidden := range []string{"Secret", "API"} {
		assert.NotContains(t, read.Credentials[0], hidden)
	}
}
