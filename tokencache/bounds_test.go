package tokencache

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What a reader or a script does not believe nobody may configure, or be let write: else one
// careless replica has everybody ask the issuer.
func TestReadersBelieveWhatMayBeConfigured(t *testing.T) {
	valid := Issuer{Name: "x", App: "a", Digest: "d"}
	with := func(change func(*Issuer)) Issuer {
		i := valid
		change(&i)
		return i
	}
	const day = 24 * time.Hour
	for _, test := range []struct {
		name   string
		issuer Issuer
		says   string // "": it is good
	}{
		{"MaxLife 3,650 days", with(func(i *Issuer) { i.MaxLife = 3650 * day }), ""},
		{"MaxLife 3,650 days and 1 ns", with(func(i *Issuer) { i.MaxLife = 3650*day + 1 }), "Issuer.MaxLife"},
		{"MaxLife 1 s", with(func(i *Issuer) { i.MaxLife = time.Second }), ""},
		{"MaxLife 1 s - 1 ns", with(func(i *Issuer) { i.MaxLife = time.Second - 1 }), "Issuer.MaxLife"},
		{"MaxLife -1 ns", with(func(i *Issuer) { i.MaxLife = -1 }), "Issuer.MaxLife"},
		{"Window 3,650 days", with(func(i *Issuer) { i.Window = 3650 * day }), ""},
		{"Window 3,650 days and 1 ns", with(func(i *Issuer) { i.Window = 3650*day + 1 }), "Issuer.Window"},
		{"Window 1 ms", with(func(i *Issuer) { i.Window = time.Millisecond }), ""},
		{"Window 1 ms - 1 ns", with(func(i *Issuer) { i.Window = time.Millisecond - 1 }), "Issuer.Window"},
		{"Name of 128 bytes", with(func(i *Issuer) { i.Name = strings.Repeat("n", 128) }), ""},
		{"Name of 129 bytes", with(func(i *Issuer) { i.Name = strings.Repeat("n", 129) }), "Issuer.Name"},
		{"App of 128 bytes", with(func(i *Issuer) { i.App = strings.Repeat("\n", 128) }), ""},
		{"App of 129 bytes", with(func(i *Issuer) { i.App = strings.Repeat("a", 129) }), "Issuer.App"},
		{"Digest of 128 bytes", with(func(i *Issuer) { i.Digest = strings.Repeat("d", 128) }), ""},
		{"Digest of 129 bytes", with(func(i *Issuer) { i.Digest = strings.Repeat("d", 129) }), "Issuer.Digest"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := test.issuer.validate()
			if test.says != "" {
				assert.ErrorContains(t, err, test.says)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.issuer.App, appOf(test.issuer.id()), "a survey finds it")

			life := max(minLife, test.issuer.MaxLife)
			now := time.UnixMilli(1_700_000_000_000)
			fields := []string{"a", "t", fingerprint("a", "t"), millis(life), "1", strconv.FormatInt(now.Add(life).UnixMilli(), 10), "by", "1", millis(test.issuer.Window)}
			require.NoError(t, test.issuer.checkLife(life))
			r, garbled := parseRecord(fields, life, now)
			require.Empty(t, garbled, "what it may write is believed")
			assert.Equal(t, life, r.token.life())
			assert.Equal(t, test.issuer.Window, r.window)
		})
	}
	script, err := os.ReadFile("scripts/publish.lua")
	require.NoError(t, err)
	assert.Contains(t, string(script), "lasts <= "+millis(longestLife)+"\n", "the script has the same bound")
	require.Error(t, Config{Prefix: strings.Repeat("p", 129)}.withDefaults().validate())
	require.NoError(t, Config{Prefix: strings.Repeat("p", 128)}.withDefaults().validate())
	require.Error(t, Config{Prefix: "a\u0085b"}.withDefaults().validate())
	assert.Len(t, Config{Replica: strings.Repeat("r", 129)}.withDefaults().Replica, longestWord, "and is read whole")
	assert.Equal(t, "a b", Config{Replica: "a\nb"}.withDefaults().Replica)
}

// A life beyond the bound was stored, and garbled for everybody: the Source says so instead.
func TestTooLongLivesNeverReachRedis(t *testing.T) {
	c, err := New(offline(t), Config{})
	require.NoError(t, err)
	defer func() { assert.NoError(t, c.Close()) }()
	s := c.Source(FetchFunc(Issuer{Name: "x", App: "a", Digest: "d", MaxLife: longestLife + 1}, nil))
	_, err = s.Get(t.Context())
	assert.ErrorContains(t, err, "Issuer.MaxLife 87600h0m0.000000001s")
}
