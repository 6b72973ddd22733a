package tokencache

import (
	"context"
	"errors"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestIssuerID(t *testing.T) {
	for _, test := range []struct {
		name   string
		issuer Issuer
		want   string
	}{
		{"usual", Issuer{Name: "feishu", App: "cli_a1b2", Digest: "0123456789abcdef"}, "feishu:cli_a1b2:0123456789abcdef"},
		{"braces cannot end the hash tag", Issuer{Name: "x", App: "{a}", Digest: "d"}, "x:%7Ba%7D:d"},
		{"colons cannot shift the parts", Issuer{Name: "x:y", App: "a", Digest: "d"}, "x%3Ay:a:d"},
		{"percent", Issuer{Name: "x", App: "%3A", Digest: "d"}, "x:%253A:d"},
		{"spaces, lines and zero bytes", Issuer{Name: "x", App: "a b\n\x00", Digest: "d"}, "x:a%20b%0A%00:d"},
		{"globs", Issuer{Name: "x", App: "*?[a]", Digest: "d"}, "x:%2A%3F%5Ba%5D:d"},
		{"other alphabets by their bytes", Issuer{Name: "飞书", App: "a", Digest: "d"}, "%E9%A3%9E%E4%B9%A6:a:d"},
		{"no valid UTF-8", Issuer{Name: "x", App: "\xff", Digest: "d"}, "x:%FF:d"},
	} {
		t.Run(test.name, func(t *testing.T) { assert.Equal(t, test.want, test.issuer.id()) })
	}
}

func TestIssuerIDIgnoresBehaviour(t *testing.T) {
	a := Issuer{Name: "x", App: "a", Digest: "d", Window: time.Minute, MaxLife: time.Hour}
	assert.Equal(t, a.id(), Issuer{Name: "x", App: "a", Digest: "d"}.id(), "replicas of different versions share a record")
}

var idCharset = regexp.MustCompile(`^[A-Za-z0-9_.%-]*:[A-Za-z0-9_.%-]*:[A-Za-z0-9_.%-]*$`)

func TestIssuerIDsAreApart(t *testing.T) {
	const alphabet = "ab:%{}3A-\x00é"
	random := rand.New(rand.NewPCG(9, 10))
	part := func() string {
		var b strings.Builder
		for range random.IntN(4) {
			b.WriteByte(alphabet[random.IntN(len(alphabet))])
		}
		return b.String()
	}
	seen := map[string]Issuer{}
	for range 50_000 {
		issuer := Issuer{Name: part(), App: part(), Digest: part()}
		id := issuer.id()
		require.Regexp(t, idCharset, id)
		if before, ok := seen[id]; ok {
			require.Equal(t, before, issuer, "both are %s", id)
		}
		seen[id] = issuer
	}
}

func TestF34DigestKeepsSecretsApart(t *testing.T) {
	assert.Regexp(t, `^[0-9a-f]{16}$`, Digest())
	assert.Equal(t, Digest("app", "secret"), Digest("app", "secret"))
	distinct := map[string][]string{}
	for _, parts := range [][]string{
		{}, {""}, {"", ""}, {"app", "secret"}, {"app", "rotated"}, {"apps", "ecret"}, {"appsecret"},
		{"app", "secret", ""}, {"3:app6:secret"}, {"secret", "app"},
	} {
		d := Digest(parts...)
		assert.NotContains(t, distinct, d, "%q", parts)
		distinct[d] = parts
	}
}

func TestF25LivesToBelieve(t *testing.T) {
	feishu := Issuer{Name: "feishu", MaxLife: 2*time.Hour + time.Minute}
	for _, test := range []struct {
		name   string
		issuer Issuer
		life   time.Duration
		good   bool
	}{
		{"1 s", feishu, time.Second, true},
		{"1 s - 1 ns", feishu, time.Second - 1, false},
		{"0", feishu, 0, false},
		{"negative", feishu, -time.Hour, false},
		{"2 h", feishu, 2 * time.Hour, true},
		{"2 h 1 min", feishu, 2*time.Hour + time.Minute, true},
		{"2 h 1 min + 1 ns", feishu, 2*time.Hour + time.Minute + 1, false},
		{"24 h by default", Issuer{}, 24 * time.Hour, true},
		{"24 h + 1 ns by default", Issuer{}, 24*time.Hour + 1, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := test.issuer.checkLife(test.life)
			if test.good {
				assert.NoError(t, err)
				return
			}
			var refused *IssuerError
			require.ErrorAs(t, err, &refused)
			assert.Equal(t, ClassTransient, refused.Class)
			assert.Equal(t, test.issuer.Name, refused.Issuer)
			assert.Contains(t, refused.Message, test.life.String())
		})
	}
}

func TestF35IssuerNamesEveryComplaint(t *testing.T) {
	assert.NoError(t, Issuer{Name: "x", App: "a", Digest: "d"}.validate())
	err := Issuer{Window: -1, MaxLife: -1}.validate()
	for _, field := range []string{"Issuer.Name", "Issuer.App", "Issuer.Digest", "Issuer.Window", "Issuer.MaxLife"} {
		assert.ErrorContains(t, err, field)
	}
	assert.ErrorContains(t, Issuer{Name: "x", App: "a", Digest: "d", MaxLife: -1}.validate(), "MaxLife")
}

func TestFetchFunc(t *testing.T) {
	issuer, refused := Issuer{Name: "x"}, errors.New("refused")
	f := FetchFunc(issuer, func(ctx context.Context) (Token, error) { return Token{}, ctx.Err() })
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(refused)
	_, err := f.Fetch(ctx)
	assert.ErrorIs(t, err, context.Canceled, "it gets the caller's ctx")
	assert.Equal(t, issuer, f.Issuer())
}

// The keys of a credential have to share a cluster slot: CRC 16 of what stands
// between the first { and the next }.
func TestF22KeysShareASlot(t *testing.T) {
	for _, issuer := range []Issuer{
		{Name: "feishu", App: "cli_a1b2", Digest: "0123456789abcdef"},
		{Name: "{x", App: "}{", Digest: "a}b"},
		{Name: "x", App: "", Digest: "d"},
	} {
		k := keysOf(defaultPrefix, issuer.id())
		want := slotOf(k.token)
		assert.Equal(t, crc16(issuer.id())%16384, want)
		for _, key := range []string{k.lock, k.failure, k.channel, k.rejected + fingerprint("a", "t")} {
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

func TestF34KeysAreApart(t *testing.T) {
	id := Issuer{Name: "x", App: "a", Digest: "d"}.id()
	assert.Equal(t, keys{
		id:       "x:a:d",
		token:    "onetoken:{x:a:d}:token",
		lock:     "onetoken:{x:a:d}:lock",
		failure:  "onetoken:{x:a:d}:failure",
		channel:  "onetoken:{x:a:d}:events",
		rejected: "onetoken:{x:a:d}:rejected:", refused: "onetoken:{x:a:d}:refused",
	}, keysOf("onetoken", id))
	assert.NotEqual(t, keysOf("onetoken", id).token, keysOf("staging", id).token)
}
