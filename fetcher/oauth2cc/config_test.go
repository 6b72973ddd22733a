package oauth2cc_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/oauth2cc"
	"github.com/onetoken-go/onetoken/tokencache"
)

func TestEveryComplaint(t *testing.T) {
	c := oauth2cc.Config{
		TokenURL: "https://user:hunter2@:99999/#f", ClientSecret: tokencache.NewSecret(secret + "\n"), Auth: 7,
		Scopes: []string{"a b"}, Audience: "\x00", Resources: []string{"\x00"}, Params: map[string]string{"scope": "a"},
		Life: -1, MaxLife: -1, Window: -1, Transport: (*http.Transport)(nil),
	}
	_, err := oauth2cc.New(c)
	require.Error(t, err)
	require.EqualError(t, c.Validate(), strings.TrimPrefix(err.Error(), "oauth2cc: "), "before anything is built")
	for _, part := range []string{
		"no host", "port", "password", "fragment", "ClientID is empty", "ClientSecret", "an Auth of 7", "Scopes[0]", "Audience",
		"Resources[0]", "Params repeats scope", "a Life", "a MaxLife", "a Window", "Transport is a nil *http.Transport",
	} {
		assert.ErrorContains(t, err, part)
	}
	assert.NotContains(t, err.Error(), "hunter2")
	assertNoSecret(t, err.Error())
	assert.NoError(t, config(nil).Validate())
}

func TestTexts(t *testing.T) {
	for _, c := range []struct {
		edge, id, secret string
		complaint        string // "" means it is good
	}{
		{"both", clientID, secret, ""},
		{"no id", "", secret, "ClientID is empty"},
		{"no secret", clientID, "", "ClientSecret is empty"},
		{"newline of a file", clientID, "abcd\n", "ClientSecret begins or ends with a blank or a newline"},
		{"a space before", clientID, " abcd", "ClientSecret begins or ends with a blank"},
		{"a space inside", "a client", "ab cd", ""},
		{"a newline inside", clientID, "ab\ncd", "ClientSecret: its character 3 is a newline"},
		{"a tab inside", clientID, "ab\tcd", "ClientSecret: its character 3 is a tab"},
		{"a byte order mark", clientID, "\ufeffabcd", "ClientSecret: its first character is a byte order mark"},
		{"an invisible character", clientID, "ab\u200bcd", "ClientSecret: its character 3 is an invisible character"},
		{"no UTF-8", clientID, "ab\xffcd", "ClientSecret is not UTF-8"},
		{"letters outside of ASCII", "клиент", "ключ", ""},
		{"longest id", strings.Repeat("i", 128), secret, ""},
		{"id too long", strings.Repeat("i", 129), secret, "ClientID is longer than 128 bytes"},
		{"secret too short", clientID, "abc", "ClientSecret is shorter than 4 bytes"},
		{"shortest secret", clientID, "abcd", ""},
		{"longest secret", clientID, strings.Repeat("s", 4096), ""},
		{"secret too long", clientID, strings.Repeat("s", 4097), "ClientSecret is longer"},
	} {
		t.Run(c.edge, func(t *testing.T) {
			_, err := oauth2cc.New(oauth2cc.Config{TokenURL: tokenURL, ClientID: c.id, ClientSecret: tokencache.NewSecret(c.secret)})
			if c.complaint == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.complaint)
		})
	}
}

func TestTokenURLRefused(t *testing.T) {
	for _, c := range []struct{ edge, given, complaint string }{
		{"none", "", "TokenURL is empty"},
		{"no scheme", "login.example.com/token", "https://"},
		{"another scheme", "ftp://login.example.com/token", "https://"},
		{"no host", "https:///token", "no host"},
		{"user", "https://hunter2@login.example.com/token", "password"},
		{"fragment", "https://login.example.com/token#hunter2", "fragment"},
		{"empty fragment", "https://login.example.com/token#", "fragment"},
		{"port 0", "https://login.example.com:0/token", "port"},
		{"no URL", "https://login.example.com:hunter2/token", "not a URL"},
		{"a newline", "https://login.example.com/token\n", "TokenURL: its last character is a newline"},
		{"two slashes", "https://login.example.com//token", "path with //"},
		{"two dots", "https://login.example.com/token/../x", "path with //"},
		{"letters outside of ASCII", "https://bücher.example/token", "punycode"},
	} {
		t.Run(c.edge, func(t *testing.T) {
			broken := config(nil)
			broken.TokenURL = c.given
			err := broken.Validate()
			require.ErrorContains(t, err, c.complaint)
			assert.NotContains(t, err.Error(), "hunter2")
		})
	}
}

func TestBoundsOfLives(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct {
		life, maxLife, window time.Duration
		good                  bool
	}{
		{0, 0, 0, true},
		{time.Second, 0, 0, true},
		{time.Second - 1, 0, 0, false},
		{30 * day, 0, 0, true},
		{30*day + 1, 0, 0, false},
		{31 * day, 31 * day, 0, true},
		{0, time.Second, 0, true},
		{0, time.Second - 1, 0, false},
		{0, 3650 * day, 0, true},
		{0, 3650*day + 1, 0, false},
		{0, 0, time.Millisecond, true},
		{0, 0, time.Millisecond - 1, false},
		{0, 0, 3650*day + 1, false},
	} {
		broken := config(nil)
		broken.Life, broken.MaxLife, broken.Window = c.life, c.maxLife, c.window
		_, err := oauth2cc.New(broken)
		assert.Equal(t, c.good, err == nil, "%v: %v", c, err)
	}
}

func TestAuthNames(t *testing.T) {
	assert.Equal(t, "client_secret_basic", oauth2cc.Basic.String())
	assert.Equal(t, "client_secret_post", oauth2cc.Body.String())
	assert.Equal(t, "Auth(9)", oauth2cc.Auth(9).String())
}
