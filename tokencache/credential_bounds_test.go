package tokencache

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/wire"
)

// What a reader or a script does not believe nobody may configure, or be let write: else one
// careless replica has everybody ask the issuer.
func TestReadersBelieveWhatMayBeConfigured(t *testing.T) {
	with := func(change func(*CredentialConfig)) CredentialConfig {
		c := CredentialConfig{Issuer: "x", App: "a", Secret: []Secret{NewSecret("s")}}
		change(&c)
		return c
	}
	const day = 24 * time.Hour
	for _, test := range []struct {
		name   string
		config CredentialConfig
		says   string // "": it is good
	}{
		{"MaxLife 3,650 days", with(func(c *CredentialConfig) { c.MaxLife = 3650 * day }), ""},
		{"MaxLife 3,650 days and 1 ns", with(func(c *CredentialConfig) { c.MaxLife = 3650*day + 1 }), "CredentialConfig.MaxLife"},
		{"MaxLife 1 s", with(func(c *CredentialConfig) { c.MaxLife = time.Second }), ""},
		{"MaxLife 1 s - 1 ns", with(func(c *CredentialConfig) { c.MaxLife = time.Second - 1 }), "CredentialConfig.MaxLife"},
		{"MaxLife -1 ns", with(func(c *CredentialConfig) { c.MaxLife = -1 }), "CredentialConfig.MaxLife"},
		{"Window 3,650 days", with(func(c *CredentialConfig) { c.Window = 3650 * day }), ""},
		{"Window 3,650 days and 1 ns", with(func(c *CredentialConfig) { c.Window = 3650*day + 1 }), "CredentialConfig.Window"},
		{"Window 1 ms", with(func(c *CredentialConfig) { c.Window = time.Millisecond }), ""},
		{"Window 1 ms - 1 ns", with(func(c *CredentialConfig) { c.Window = time.Millisecond - 1 }), "CredentialConfig.Window"},
		{"Issuer of 128 bytes", with(func(c *CredentialConfig) { c.Issuer = strings.Repeat("n", 128) }), ""},
		{"Issuer of 129 bytes", with(func(c *CredentialConfig) { c.Issuer = strings.Repeat("n", 129) }), "CredentialConfig.Issuer"},
		{"App of 128 bytes", with(func(c *CredentialConfig) { c.App = strings.Repeat("\n", 128) }), ""},
		{"App of 129 bytes", with(func(c *CredentialConfig) { c.App = strings.Repeat("a", 129) }), "CredentialConfig.App"},
		{"32 secrets", with(func(c *CredentialConfig) { c.Secret = make([]Secret, 32); c.Secret[0] = NewSecret("s") }), ""},
		{"33 secrets", with(func(c *CredentialConfig) { c.Secret = make([]Secret, 33); c.Secret[0] = NewSecret("s") }), "CredentialConfig.Secret"},
		{"Secret of 64 KiB and 1", with(func(c *CredentialConfig) { c.Secret = []Secret{NewSecret(strings.Repeat("s", 64<<10)), NewSecret("s")} }), "CredentialConfig.Secret"},
		{"33 public parts", with(func(c *CredentialConfig) { c.Public = make([]string, 33) }), "CredentialConfig.Public"},
		{"no secret", with(func(c *CredentialConfig) { c.Secret = []Secret{NewSecret(""), NewSecret("")} }), "CredentialConfig.Secret is empty"},
		{"SealSecret of 32 bytes", with(func(c *CredentialConfig) { c.Secret, c.SealSecret = nil, NewSecret(strings.Repeat("s", 32)) }), ""},
		{"SealSecret of 31 bytes", with(func(c *CredentialConfig) { c.SealSecret = NewSecret(strings.Repeat("s", 31)) }), "CredentialConfig.SealSecret"},
	} {
		t.Run(test.name, func(t *testing.T) {
			credential, err := NewCredential(test.config)
			if test.says != "" {
				assert.ErrorContains(t, err, test.says)
				assert.True(t, credential.IsZero())
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.config.App, wire.AppOf(credential.ID()), "a survey finds it")

			life := max(minLife, test.config.MaxLife)
			now := time.UnixMilli(1_700_000_000_000)
			seal := store{keys: keysOf("p", credential.ID()), seal: credential.get().seal}
			fields := seal.recordFields("a", "t", wire.Millis(life))
			fields[fieldEndsAt], fields[fieldWindow] = strconv.FormatInt(now.Add(life).UnixMilli(), 10), wire.Millis(test.config.Window)
			require.NoError(t, credential.checkLife(life))
			r, garbled, _ := seal.recordOf(fields, life, now, instant{})
			require.Empty(t, garbled, "what it may write is believed")
			assert.Equal(t, life, r.token.life())
			assert.Equal(t, test.config.Window, r.window)
		})
	}
	script, err := os.ReadFile("scripts/publish.lua")
	require.NoError(t, err)
	assert.Contains(t, string(script), "lasts <= "+wire.Millis(wire.LongestLife)+"\n", "the script has the same bound")
	require.Error(t, Config{Prefix: strings.Repeat("p", 129)}.withDefaults().validate())
	require.NoError(t, Config{Prefix: strings.Repeat("p", 128)}.withDefaults().validate())
	require.Error(t, Config{Prefix: "a\u0085b"}.withDefaults().validate())
	assert.Len(t, Config{Replica: strings.Repeat("r", 129)}.withDefaults().Replica, longestWord, "and is read whole")
	assert.Equal(t, "a b", Config{Replica: "a\nb"}.withDefaults().Replica)
}
