package tokencache

import (
	"context"
	"errors"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/wire"
)

func TestCredentialID(t *testing.T) {
	for _, test := range []struct {
		name       string
		credential Credential
		want       string // before the digest
	}{
		{"usual", MustCredential(CredentialConfig{Issuer: "feishu", App: "cli_a1b2"}), "feishu:cli_a1b2:"},
		{"braces cannot end the hash tag", MustCredential(CredentialConfig{Issuer: "x", App: "{a}"}), "x:%7Ba%7D:"},
		{"colons cannot shift the parts", MustCredential(CredentialConfig{Issuer: "x:y", App: "a"}), "x%3Ay:a:"},
		{"percent", MustCredential(CredentialConfig{Issuer: "x", App: "%3A"}), "x:%253A:"},
		{"spaces, lines and zero bytes", MustCredential(CredentialConfig{Issuer: "x", App: "a b\n\x00"}), "x:a%20b%0A%00:"},
		{"globs", MustCredential(CredentialConfig{Issuer: "x", App: "*?[a]"}), "x:%2A%3F%5Ba%5D:"},
		{"other alphabets by their bytes", MustCredential(CredentialConfig{Issuer: "飞书", App: "a"}), "%E9%A3%9E%E4%B9%A6:a:"},
		{"no valid UTF-8", MustCredential(CredentialConfig{Issuer: "x", App: "\xff"}), "x:%FF:"},
	} {
		t.Run(test.name, func(t *testing.T) {
			digest, ok := strings.CutPrefix(test.credential.ID(), test.want)
			assert.True(t, ok, test.credential.ID())
			assert.Regexp(t, `^[0-9a-f]{32}$`, digest)
		})
	}
	var none Credential
	assert.True(t, none.IsZero())
	assert.Empty(t, none.ID()+none.App()+none.Issuer()+none.String())
	assert.Zero(t, none.Window()+none.MaxLife())
}

func TestCredentialIDIgnoresBehaviour(t *testing.T) {
	a := MustCredential(CredentialConfig{Issuer: "x", App: "a", Window: time.Minute, MaxLife: time.Hour})
	b := MustCredential(CredentialConfig{Issuer: "x", App: "a"})
	assert.Equal(t, a.ID(), b.ID(), "replicas of different versions share a record")
	assert.NotEqual(t, a.identity(), b.identity(), "but not a Source")
	assert.Equal(t, 24*time.Hour, b.MaxLife())
}

// Equal Credentials have one Source, others have not.
func TestCredentialsEqual(t *testing.T) {
	config := CredentialConfig{Issuer: "x", App: "a", Public: []string{"p"}, Secret: secretsOf([]string{"s"}), Window: time.Minute}
	with := func(change func(*CredentialConfig)) Credential {
		c := config
		change(&c)
		return MustCredential(c)
	}
	cache, err := New(redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"}), Config{}) // never dialled
	require.NoError(t, err)
	defer cache.Close()
	sourceOf := func(c Credential) *Source {
		return cache.Source(FetchFunc(c, func(context.Context) (Token, error) { return Token{}, nil }))
	}
	one := MustCredential(config)
	for name, test := range map[string]struct {
		other       Credential
		equal, same bool // and of one record
	}{
		"itself":                        {one, true, true},
		"of the same config":            {MustCredential(config), true, true},
		"a MaxLife that is the default": {with(func(c *CredentialConfig) { c.MaxLife = 24 * time.Hour }), true, true},
		"another MaxLife":               {with(func(c *CredentialConfig) { c.MaxLife = time.Hour }), false, true},
		"another Window":                {with(func(c *CredentialConfig) { c.Window = 0 }), false, true},
		"another Issuer":                {with(func(c *CredentialConfig) { c.Issuer = "y" }), false, false},
		"another App":                   {with(func(c *CredentialConfig) { c.App = "b" }), false, false},
		"other public parts":            {with(func(c *CredentialConfig) { c.Public = nil }), false, false},
		"another secret":                {with(func(c *CredentialConfig) { c.Secret = secretsOf([]string{"t"}) }), false, false},
	} {
		assert.Equal(t, test.equal, one.Equal(test.other), name)
		assert.Equal(t, test.equal, test.other.Equal(one), name)
		assert.Equal(t, test.equal, sourceOf(one) == sourceOf(test.other), name)
		assert.Equal(t, test.same, one.ID() == test.other.ID(), name)
	}
	assert.True(t, Credential{}.Equal(Credential{}))
	assert.False(t, Credential{}.Equal(one))
}

var idCharset = regexp.MustCompile(`^[A-Za-z0-9_.%-]*:[A-Za-z0-9_.%-]*:[A-Za-z0-9_.%-]*$`)

func TestCredentialIDsAreApart(t *testing.T) {
	const alphabet = "ab:%{}3A-\x00é"
	random := rand.New(rand.NewPCG(9, 10))
	part := func() string {
		var b strings.Builder
		for range random.IntN(4) {
			b.WriteByte(alphabet[random.IntN(len(alphabet))])
		}
		return b.String()
	}
	seen := map[string]CredentialConfig{}
	for range 20_000 {
		config := CredentialConfig{Issuer: part() + "x", App: part() + "y", Public: []string{part()}, Secret: []Secret{NewSecret(part()), NewSecret(part()), NewSecret("z")}}
		id := MustCredential(config).ID()
		require.Regexp(t, idCharset, id)
		if before, ok := seen[id]; ok {
			require.Equal(t, before.Issuer+"\n"+before.App, config.Issuer+"\n"+config.App, "both are %s", id)
			require.Equal(t, [][]string{before.Public, revealed(before.Secret)}, [][]string{config.Public, revealed(config.Secret)}, "both are %s", id)
		}
		seen[id] = config
	}
}

func TestF34DigestKeepsSecretsApart(t *testing.T) {
	distinct := map[string]CredentialConfig{}
	for _, parts := range [][2][]string{
		{{}, {"secret"}}, {{""}, {"secret"}}, {{}, {"rotated"}}, {{}, {"secret", ""}}, {{}, {"", "secret"}}, {{}, {"6:secret"}},
		{{}, {"sec", "ret"}}, {{"https://a"}, {"secret"}}, {{"https://", "a"}, {"secret"}}, {{"a", "https://"}, {"secret"}},
	} {
		config := CredentialConfig{Issuer: "x", App: "app", Public: parts[0], Secret: secretsOf(parts[1])}
		id := MustCredential(config).ID()
		assert.Equal(t, id, MustCredential(config).ID())
		assert.NotContains(t, distinct, id, "%q", parts)
		distinct[id] = config
	}
}

func TestF25LivesToBelieve(t *testing.T) {
	feishu := MustCredential(CredentialConfig{Issuer: "feishu", App: "a", MaxLife: 2*time.Hour + time.Minute})
	usual := MustCredential(CredentialConfig{Issuer: "x", App: "a"})
	for _, test := range []struct {
		name       string
		credential Credential
		life       time.Duration
		good       bool
	}{
		{"1 s", feishu, time.Second, true},
		{"1 s - 1 ns", feishu, time.Second - 1, false},
		{"0", feishu, 0, false},
		{"negative", feishu, -time.Hour, false},
		{"2 h", feishu, 2 * time.Hour, true},
		{"2 h 1 min", feishu, 2*time.Hour + time.Minute, true},
		{"2 h 1 min + 1 ns", feishu, 2*time.Hour + time.Minute + 1, false},
		{"24 h by default", usual, 24 * time.Hour, true},
		{"24 h + 1 ns by default", usual, 24*time.Hour + 1, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := test.credential.checkLife(test.life)
			if test.good {
				assert.NoError(t, err)
				return
			}
			var refused *IssuerError
			require.ErrorAs(t, err, &refused)
			assert.Equal(t, ClassTransient, refused.Class)
			assert.Equal(t, test.credential.Issuer(), refused.Issuer)
			assert.Contains(t, refused.Message, test.life.String())
		})
	}
}

func TestF35CredentialNamesEveryComplaint(t *testing.T) {
	_, err := NewCredential(CredentialConfig{Window: -1, MaxLife: -1})
	for _, field := range []string{"CredentialConfig.Issuer", "CredentialConfig.App", "CredentialConfig.Secret", "CredentialConfig.Window", "CredentialConfig.MaxLife"} {
		assert.ErrorContains(t, err, field)
	}
}

func TestFetchFunc(t *testing.T) {
	credential, refused := MustCredential(CredentialConfig{Issuer: "x", App: "a"}), errors.New("refused")
	f := FetchFunc(credential, func(ctx context.Context) (Token, error) { return Token{}, ctx.Err() })
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(refused)
	_, err := f.Fetch(ctx)
	assert.ErrorIs(t, err, context.Canceled, "it gets the caller's ctx")
	assert.Equal(t, credential.ID(), f.Credential().ID())
}

// The keys of a credential have to share a cluster slot: CRC 16 of what stands
// between the first { and the next }.
func TestF22KeysShareASlot(t *testing.T) {
	for _, id := range []string{"feishu:cli_a1b2:0123456789abcdef", MustCredential(CredentialConfig{Issuer: "{x", App: "}{"}).ID(), "x::d"} {
		k := keysOf(defaultPrefix, id)
		want := slotOf(k.token())
		assert.Equal(t, crc16(id)%16384, want)
		for _, key := range []string{k.lock(), k.failure(), k.channel(), k.rejected(wire.Fingerprint("a", "t"))} {
			assert.Equal(t, want, slotOf(key), key)
			assert.Equal(t, 1, strings.Count(key, "{"), key)
			assert.Equal(t, 1, strings.Count(key, "}"), key)
		}
	}
}

func TestSlotOf(t *testing.T) {
	for key, want := range map[string]uint16{ // of CLUSTER KEYSLOT
		"123456789":            12739,
		"foo":                  12182,
		"{user1000}.following": slotOf("user1000"),
		"foo{}{bar}":           slotOf("foo{}{bar}"),
		"foo{{bar}}zap":        slotOf("{bar"),
	} {
		assert.Equal(t, want, slotOf(key), key)
	}
}

func TestF34KeysAreApart(t *testing.T) {
	const id = "x:a:d"
	k := keysOf("onetoken", id)
	assert.Equal(t, []string{
		"onetoken:{x:a:d}:token", "onetoken:{x:a:d}:lock", "onetoken:{x:a:d}:failure",
		"onetoken:{x:a:d}:events", "onetoken:{x:a:d}:rejected:f", "onetoken:{x:a:d}:refused",
	}, []string{k.token(), k.lock(), k.failure(), k.channel(), k.rejected("f"), k.refused()})
	assert.NotEqual(t, k.token(), keysOf("staging", id).token())
}

// What people may know of a credential's place is an address, and never what stands beside it.
func TestCredentialsIssuerURL(t *testing.T) {
	for want, public := range map[string][]string{
		"":                          nil,
		"https://a.example":         {"https://a.example", "https://b.example"},
		"https://a.example/x/y":     {"scope", "https://user:hunter2@a.example/x/y?key=hunter2#hunter2"},
		"http://a.example:8080/%2F": {"mailto:a@b", "redis://x", "https://", "http://a.example:8080/%2F"},
	} {
		c, err := NewCredential(CredentialConfig{Issuer: "x", App: "a", Public: public, Secret: []Secret{NewSecret("s")}})
		require.NoError(t, err)
		assert.Equal(t, want, c.IssuerURL())
	}
	c := MustCredential(CredentialConfig{Issuer: "x", App: "a", Public: []string{"https://a.example/" + strings.Repeat("x", 200) + "\x01"}, Secret: []Secret{NewSecret("s")}})
	assert.Empty(t, c.IssuerURL(), "no URL")
	c = MustCredential(CredentialConfig{Issuer: "x", App: "a", Public: []string{"https://a.example/" + strings.Repeat("x", 200)}, Secret: []Secret{NewSecret("s")}})
	assert.LessOrEqual(t, len(c.IssuerURL()), 128)
	assert.Empty(t, Credential{}.IssuerURL())
}

func FuzzCredentialID(f *testing.F) {
	f.Add("feishu", "cli_a1b2", "secret", "lark", "cli_a1b2", "secret")
	f.Add("a:b", "c", "d", "a", "b:c", "d")
	f.Add("%3A", "{}", "", ":", "{}", "")
	f.Add("\xff", "飞书", "\x00", "\xfe", "飞书", "\x00")
	f.Fuzz(func(t *testing.T, name, app, secret, name2, app2, secret2 string) {
		a, err := NewCredential(CredentialConfig{Issuer: name, App: app, Secret: []Secret{NewSecret(secret)}})
		if err != nil {
			return
		}
		b, err := NewCredential(CredentialConfig{Issuer: name2, App: app2, Secret: []Secret{NewSecret(secret2)}})
		if err != nil {
			return
		}
		if !idCharset.MatchString(a.ID()) || wire.AppOf(a.ID()) != app {
			t.Fatalf("%q", a.ID())
		}
		same := name == name2 && app == app2 && secret == secret2
		if same != (a.ID() == b.ID()) {
			t.Fatalf("%+v and %+v", a, b)
		}
		k := keysOf(defaultPrefix, a.ID())
		if slotOf(k.token()) != slotOf(k.lock()) || slotOf(k.token()) != slotOf(k.rejected("x")) {
			t.Fatalf("%s in another slot", k.lock())
		}
	})
}

func slotOf(key string) uint16 {
	if _, rest, ok := strings.Cut(key, "{"); ok {
		if tag, _, ok := strings.Cut(rest, "}"); ok && tag != "" {
			key = tag
		}
	}
	return crc16(key) % 16384
}

// crc16 is the one of XMODEM, as the cluster specification has it.
func crc16(s string) (crc uint16) {
	for _, c := range []byte(s) {
		crc ^= uint16(c) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return crc
}
