package wire

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSealVectors(t *testing.T) {
	for _, v := range vectors(t).Vectors {
		t.Run(v.Name, func(t *testing.T) {
			secret, salt := []byte(framed(v.Secret...)), []byte(framed(v.Public...))
			key := plainHKDF(secret, salt, "onetoken/1 seal", 32)
			assert.Equal(t, v.Key, hex.EncodeToString(key))
			assert.Equal(t, v.Digest, hex.EncodeToString(plainHKDF(secret, salt, "onetoken/1 id", 16)))

			digest, s := Derive(v.Public, v.Secret)
			assert.Equal(t, v.Digest, digest)
			derived := s.key()
			assert.Equal(t, v.Key, hex.EncodeToString(derived[:]))
			assert.Equal(t, v.ID, ID(v.Public[0], v.Public[1], digest))

			sum := sha256.Sum256([]byte(framed(v.App, v.Tenant)))
			assert.Equal(t, v.Record.Fingerprint, hex.EncodeToString(sum[:16]))
			assert.Equal(t, v.Record.Fingerprint, Fingerprint(v.App, v.Tenant))
			check := sha1.Sum([]byte(framed(v.Record.Sealed, v.Record.Fingerprint, v.Record.Life)))
			assert.Equal(t, v.Record.Sum, hex.EncodeToString(check[:]))

			assert.Equal(t, v.Plaintext, framed(v.App, v.Tenant))
			event, rejection := strings.Split(v.Events.Token, " "), strings.Split(v.Events.Rejection, " ")
			require.Len(t, event, 7)
			require.Len(t, rejection, 4)
			assert.Equal(t, []string{"T", v.Record.Fingerprint, v.Record.Life}, []string{event[0], event[1], event[5]})
			assert.Equal(t, []string{"I", v.Record.Fingerprint}, rejection[:2])
			assert.Equal(t, v.AdditionalData.Record, framed("record", v.ID, v.Record.Fingerprint, v.Record.Life))
			assert.Equal(t, v.AdditionalData.Token, framed("token", v.ID, event[1], event[5], event[2], event[3], event[4]))
			assert.Equal(t, v.AdditionalData.Rejection, framed("rejection", v.ID, rejection[1], rejection[2]))
			assert.Equal(t, v.Record.Sealed, plainSeal(t, key, unhex(t, v.Nonces.Record), v.Plaintext, v.AdditionalData.Record))
			assert.Equal(t, event[6], plainSeal(t, key, unhex(t, v.Nonces.Token), v.Plaintext, v.AdditionalData.Token))
			assert.Equal(t, rejection[3], plainSeal(t, key, unhex(t, v.Nonces.Rejection), "", v.AdditionalData.Rejection))

			life, ok := ExactMillis(v.Record.Life)
			require.True(t, ok)
			app, tenant, err := s.OpenRecord(v.ID, v.Record.Fingerprint, life, v.Record.Sealed)
			require.NoError(t, err)
			assert.Equal(t, []string{v.App, v.Tenant}, []string{app, tenant})
			at := TokenTimes{momentOf(t, event[2]), momentOf(t, event[3]), momentOf(t, event[4])}
			app, tenant, err = s.OpenToken(v.ID, v.Record.Fingerprint, life, at, event[6])
			require.NoError(t, err)
			assert.Equal(t, []string{v.App, v.Tenant}, []string{app, tenant})
			assert.NoError(t, s.OpenRejection(v.ID, rejection[1], momentOf(t, rejection[2]), rejection[3]))
		})
	}
}

// What docs/interop.json says that no reader may open.
func TestSealVectorsRefused(t *testing.T) {
	for _, v := range vectors(t).Refused {
		t.Run(v.Why, func(t *testing.T) {
			digest, s := Derive(v.Public, v.Secret)
			id := v.ID
			if id == "" {
				id = ID(v.Public[0], v.Public[1], digest)
			}
			life, ok := ExactMillis(v.Record.Life)
			if !ok || life <= 0 || life > LongestLife {
				return // as a reader would
			}
			app, tenant, err := s.OpenRecord(id, v.Record.Fingerprint, life, v.Record.Sealed)
			assertNotOpened(t, err, app, tenant)
		})
	}
}

func TestSealOpens(t *testing.T) {
	for name, pair := range map[string][2]string{
		"both":                     {"a-app", "t-tenant"},
		"app only":                 {"a-app", ""},
		"tenant only":              {"", "t-tenant"},
		"one byte":                 {"a", ""},
		"any bytes":                {"\x00\xff:\n", "7:1"},
		"as long as one may be":    {strings.Repeat("a", LongestToken), ""},
		"as long as the other":     {"", strings.Repeat("t", LongestToken)},
		"as long as both together": {strings.Repeat("a", LongestToken-10_000), strings.Repeat("t", 10_000)},
	} {
		t.Run(name, func(t *testing.T) {
			x, s := someSealed(t, pair[0], pair[1])
			records, tokens, rejections := x.open(t, s)
			assert.True(t, records && tokens && rejections)
			assert.Regexp(t, `^[A-Za-z0-9_-]+$`, x.record+x.token+x.rejection)
			assert.Len(t, x.rejection, 38)
			again, _ := someSealed(t, pair[0], pair[1])
			assert.NotEqual(t, x.record, again.record, "the nonce is random")
			assert.NotEqual(t, x.rejection, again.rejection)
		})
	}
}

func TestNothingToSeal(t *testing.T) {
	_, s := someSealed(t, "a", "t")
	for name, test := range map[string]struct {
		app, tenant string
		want        error
	}{
		"no token":              {"", "", errNoTokens},
		"one byte too many":     {strings.Repeat("a", LongestToken), "t", errTokensTooLong},
		"app token too long":    {strings.Repeat("a", LongestToken+1), "", errTokensTooLong},
		"tenant token too long": {"", strings.Repeat("t", LongestToken+1), errTokensTooLong},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := s.SealRecord("id", test.app, test.tenant, time.Hour)
			assert.ErrorIs(t, err, test.want)
			assert.Empty(t, text)
			text, err = s.SealToken("id", test.app, test.tenant, time.Hour, TokenTimes{})
			assert.ErrorIs(t, err, test.want)
			assert.Empty(t, text)
		})
	}
}

// Without a secret anybody could derive the key.
func TestNoSecretNoSeal(t *testing.T) {
	for name, secret := range map[string][]string{"none": nil, "an empty one": {""}, "empty ones": {"", ""}} {
		t.Run(name, func(t *testing.T) {
			digest, s := Derive(somePublic, secret)
			assert.Empty(t, digest)
			_, err := s.SealRecord("id", "a", "t", time.Hour)
			assert.ErrorIs(t, err, errNoSealKey)
			_, err = s.SealToken("id", "a", "t", time.Hour, TokenTimes{})
			assert.ErrorIs(t, err, errNoSealKey)
			_, err = s.SealRejection("id", "f", storedAt)
			assert.ErrorIs(t, err, errNoSealKey)
			x, _ := someSealed(t, "a", "t")
			_, _, err = s.OpenRecord(x.id, x.fp, x.life, x.record)
			assert.ErrorIs(t, err, errNoSealKey)
			assert.ErrorIs(t, s.OpenRejection(x.id, x.fp, x.rejected, x.rejection), errNoSealKey)
		})
	}
}

// F45, F47: each field that the additional data has, altered alone, and nothing else, shuts
// the seals that have it.
func TestF47SealVouchesForEveryField(t *testing.T) {
	type shuts struct{ records, tokens, rejections bool }
	all := shuts{true, true, true}
	for _, test := range []struct {
		name  string
		alter func(*sealed)
		want  shuts
	}{
		{"id", func(x *sealed) { x.id += "x" }, all},
		{"id of another credential", func(x *sealed) { x.id = "lark" + strings.TrimPrefix(x.id, "feishu") }, all},
		{"fingerprint of another token", func(x *sealed) { x.fp = Fingerprint("a", "other") }, all},
		{"no fingerprint", func(x *sealed) { x.fp = "" }, all},
		{"a byte from id to fingerprint", func(x *sealed) { x.id, x.fp = x.id[:len(x.id)-1], x.id[len(x.id)-1:]+x.fp }, all},
		{"life longer", func(x *sealed) { x.life += time.Millisecond }, shuts{true, true, false}},
		{"life shorter", func(x *sealed) { x.life -= time.Millisecond }, shuts{true, true, false}},
		{"life negative", func(x *sealed) { x.life = -x.life }, shuts{true, true, false}},
		{"stored later", func(x *sealed) { x.at.StoredAt = x.at.StoredAt.Add(time.Millisecond) }, shuts{false, true, false}},
		{"checked later", func(x *sealed) { x.at.CheckedAt = x.at.CheckedAt.Add(time.Millisecond) }, shuts{false, true, false}},
		{"ends later", func(x *sealed) { x.at.EndsAt = x.at.EndsAt.Add(time.Millisecond) }, shuts{false, true, false}},
		{"times swapped", func(x *sealed) { x.at.StoredAt, x.at.CheckedAt = x.at.CheckedAt, x.at.StoredAt }, shuts{false, true, false}},
		{"rejected later", func(x *sealed) { x.rejected = x.rejected.Add(time.Millisecond) }, shuts{false, false, true}},
		{"less than Redis tells", func(x *sealed) {
			x.life += 999 * time.Microsecond
			x.at.StoredAt, x.rejected = x.at.StoredAt.Add(999*time.Microsecond), x.rejected.Add(999*time.Microsecond)
		}, shuts{}},
		{"another zone", func(x *sealed) { x.at.StoredAt, x.rejected = x.at.StoredAt.UTC(), x.rejected.UTC() }, shuts{}},
		{"seals of other kinds", func(x *sealed) { x.record, x.token, x.rejection = x.token, x.rejection, x.record }, all},
		{"the other way round", func(x *sealed) { x.record, x.token, x.rejection = x.rejection, x.record, x.token }, all},
	} {
		t.Run(test.name, func(t *testing.T) {
			x, s := someSealed(t, "a-app", "t-tenant")
			test.alter(&x)
			records, tokens, rejections := x.open(t, s)
			assert.Equal(t, test.want, shuts{!records, !tokens, !rejections})
		})
	}
}

func TestF47AnotherCredentialOpensNothing(t *testing.T) {
	x, _ := someSealed(t, "a-app", "t-tenant")
	own, same := Derive(somePublic, someSecret)
	for name, parts := range map[string]struct{ public, secret []string }{
		"another secret":            {somePublic, []string{"the-secret-of-the-apq"}},
		"the secret in two":         {somePublic, []string{"the-secret-of", "-the-app"}},
		"an empty secret more":      {somePublic, []string{someSecret[0], ""}},
		"another kind":              {[]string{"lark", somePublic[1], somePublic[2]}, someSecret},
		"another app":               {[]string{somePublic[0], "cli_tesu", somePublic[2]}, someSecret},
		"another base URL":          {[]string{somePublic[0], somePublic[1], "https://open.larksuite.com"}, someSecret},
		"the border moved":          {[]string{"feishuc", "li_test", somePublic[2]}, someSecret},
		"swapped":                   {[]string{somePublic[1], somePublic[0], somePublic[2]}, someSecret},
		"a part more":               {append([]string{""}, somePublic...), someSecret},
		"no public part":            {nil, someSecret},
		"public for secret":         {someSecret, somePublic},
		"a public part made secret": {somePublic[:2], append([]string{somePublic[2]}, someSecret...)},
	} {
		t.Run(name, func(t *testing.T) {
			digest, other := Derive(parts.public, parts.secret)
			assert.Len(t, digest, 32)
			assert.NotEqual(t, own, digest)
			records, tokens, rejections := x.open(t, other) // under the same id
			assert.False(t, records || tokens || rejections)
		})
	}
	again, _ := Derive(somePublic, someSecret)
	assert.Equal(t, own, again)
	records, tokens, rejections := x.open(t, same)
	assert.True(t, records && tokens && rejections)
}

// Only one text is the seal: every other that is near is refused, by a bit, a character or
// the way base64 may be written.
func TestOnlyOneTextOpens(t *testing.T) {
	for _, app := range []string{"a", "ab", "abc"} { // every length of the last group
		x, s := someSealed(t, app, "")
		for kind, text := range map[string]string{"record": x.record, "token": x.token, "rejection": x.rejection} {
			tried, seen := 0, map[string]bool{text: true}
			try := func(what, altered string) {
				if seen[altered] {
					return
				}
				seen[altered] = true
				tried++
				y := x
				y.record, y.token, y.rejection = altered, altered, altered
				records, tokens, rejections := y.open(t, s)
				assert.False(t, records || tokens || rejections, "%s: %s", kind, what)
			}
			raw, err := base64.RawURLEncoding.DecodeString(text)
			require.NoError(t, err)
			for bit := range 8 * len(raw) {
				flipped := bytes.Clone(raw)
				flipped[bit/8] ^= 1 << (bit % 8)
				try(fmt.Sprint("bit ", bit), base64.RawURLEncoding.EncodeToString(flipped))
			}
			for bit := range 8 * len(text) { // of the text, non-canonical ends included
				flipped := []byte(text)
				flipped[bit/8] ^= 1 << (bit % 8)
				try(fmt.Sprint("bit of the text ", bit), string(flipped))
			}
			for n := range len(raw) {
				try(fmt.Sprint("the first bytes ", n), base64.RawURLEncoding.EncodeToString(raw[:n]))
				try(fmt.Sprint("the last bytes ", n), base64.RawURLEncoding.EncodeToString(raw[n:]))
			}
			for n := range len(text) {
				try(fmt.Sprint("the first characters ", n), text[:n])
			}
			for last := range 256 {
				try(fmt.Sprint("end in ", last), text[:len(text)-1]+string([]byte{byte(last)}))
				try(fmt.Sprint("followed by ", last), text+string([]byte{byte(last)}))
				try(fmt.Sprint("led by ", last), string([]byte{byte(last)})+text)
				try(fmt.Sprint("broken by ", last), text[:20]+string([]byte{byte(last)})+text[20:])
			}
			for n := 1; n <= 4; n++ {
				try("padded", text+strings.Repeat("=", n))
				try("newlines", text+strings.Repeat("\n", n))
				try("returns", strings.Repeat("\r", n)+text)
				try("AAAA", text+strings.Repeat("A", n))
				try("bytes", base64.RawURLEncoding.EncodeToString(append(bytes.Clone(raw), make([]byte, n)...)))
			}
			try("twice", text+text)
			assert.Greater(t, tried, 1500)
		}
	}
}

// F45: who writes seals may write any amount; nothing is decoded before its length is known
// to be possible.
func TestF45SealsAreBounded(t *testing.T) {
	x, s := someSealed(t, "a", "t")
	huge := strings.Repeat("A", 64<<20)
	for name, open := range map[string]func(string) error{
		"record":    func(text string) error { _, _, err := s.OpenRecord(x.id, x.fp, x.life, text); return err },
		"token":     func(text string) error { _, _, err := s.OpenToken(x.id, x.fp, x.life, x.at, text); return err },
		"rejection": func(text string) error { return s.OpenRejection(x.id, x.fp, x.rejected, text) },
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			assert.ErrorIs(t, open(huge), errSealSize)
			runtime.ReadMemStats(&after)
			assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20))
			assert.ErrorIs(t, open(""), errSealSize)
			assert.ErrorIs(t, open(huge[:37]), errSealSize)
			assert.ErrorIs(t, open(huge[:38]), errSealNotOpened)
		})
	}
	longest := sealText.EncodedLen(longestPlain + sealOverhead)
	_, _, err := s.OpenRecord(x.id, x.fp, x.life, huge[:longest])
	assert.ErrorIs(t, err, errSealNotOpened)
	_, _, err = s.OpenRecord(x.id, x.fp, x.life, huge[:longest+1])
	assert.ErrorIs(t, err, errSealSize)
	assert.ErrorIs(t, s.OpenRejection(x.id, x.fp, x.rejected, huge[:39]), errSealSize)
}

// What was sealed is checked as well: whoever has the secret may run another build.
func TestWhatWasSealedIsChecked(t *testing.T) {
	const app, tenant = "a-app", "t-tenant"
	x, s := someSealed(t, app, tenant)
	key := s.key()
	for _, test := range []struct {
		name, plain string
		want        error
	}{
		{"well", framed(app, tenant), nil},
		{"empty", "", errSealedGarbled},
		{"both empty", "0:0:", errSealedGarbled},
		{"one part", framed(app), errSealedGarbled},
		{"three parts", framed(app, tenant, ""), errSealedGarbled},
		{"left over", framed(app, tenant) + "\n", errSealedGarbled},
		{"in front", " " + framed(app, tenant), errSealedGarbled},
		{"leading zero", "05:a-app8:t-tenant", errSealedGarbled},
		{"leading zero, second", "5:a-app08:t-tenant", errSealedGarbled},
		{"zero twice", "00:8:t-tenant", errSealedGarbled},
		{"plus", "+5:a-app8:t-tenant", errSealedGarbled},
		{"minus", "-5:a-app8:t-tenant", errSealedGarbled},
		{"minus zero", "-0:8:t-tenant", errSealedGarbled},
		{"underscore", "5:a-app0_8:t-tenant", errSealedGarbled},
		{"hexadecimal", "0x5:a-app8:t-tenant", errSealedGarbled},
		{"other digits", "٥:a-app8:t-tenant", errSealedGarbled},
		{"no length", ":a-app:t-tenant", errSealedGarbled},
		{"no colon", "5a-app8t-tenant", errSealedGarbled},
		{"length alone", "5", errSealedGarbled},
		{"no colon after a zero", framed(app) + "0", errSealedGarbled},
		{"too short", "5:a-app8:t-tenan", errSealedGarbled},
		{"beyond every number", "99999999999999999999:a-app8:t-tenant", errSealedGarbled},
		{"too long together", framed(strings.Repeat("a", LongestToken), "t"), errSealedGarbled},
		{"another token", framed(app, "t-tenanu"), errSealedFingerprint},
		{"swapped", framed(tenant, app), errSealedFingerprint},
		{"the border moved", framed("a-appt", "-tenant"), errSealedFingerprint},
	} {
		t.Run(test.name, func(t *testing.T) {
			nonce := make([]byte, 12)
			_, _, err := s.OpenRecord(x.id, x.fp, x.life, plainSeal(t, key[:], nonce, test.plain, string(recordData(x.id, x.fp, x.life))))
			assert.Equal(t, test.want, err)
			_, _, err = s.OpenToken(x.id, x.fp, x.life, x.at, plainSeal(t, key[:], nonce, test.plain, string(tokenEventData(x.id, x.fp, x.life, x.at))))
			assert.Equal(t, test.want, err)
		})
	}
	data := string(rejectionData(x.id, x.fp, x.rejected))
	assert.NoError(t, s.OpenRejection(x.id, x.fp, x.rejected, plainSeal(t, key[:], make([]byte, 12), "", data)))
	assert.ErrorIs(t, s.OpenRejection(x.id, x.fp, x.rejected, plainSeal(t, key[:], make([]byte, 12), "x", data)), errSealSize)
}

func TestExactMillis(t *testing.T) {
	for text, want := range map[string]time.Duration{"0": 0, "1": time.Millisecond, "7200000": 2 * time.Hour, "9223372036854": 9223372036854 * time.Millisecond} {
		d, ok := ExactMillis(text)
		assert.True(t, ok, text)
		assert.Equal(t, want, d)
	}
	for _, text := range []string{"", "-1", "+1", "00", "01", "1.0", "1e3", " 1", "1 ", "1\n", "1_0", "0x1", "٧", "9223372036855"} {
		_, ok := ExactMillis(text)
		assert.False(t, ok, text)
	}
}

func TestFingerprintOf(t *testing.T) {
	seen := map[string]string{}
	for _, pair := range [][2]string{{"a", "t"}, {"a", "u"}, {"a", ""}, {"", "a"}, {"t", "a"}, {"at", ""}, {"", "at"}, {"ab", "c"}, {"a", "bc"}, {"1", "1:1"}, {"", "1:11"}} {
		fp := Fingerprint(pair[0], pair[1])
		assert.Regexp(t, `^[0-9a-f]{32}$`, fp)
		assert.Empty(t, seen[fp])
		seen[fp] = fmt.Sprintf("%q", pair)
		assert.Equal(t, fp, Fingerprint(pair[0], pair[1]))
	}
}

// I5: nothing prints the key, whatever prints.
func TestI5SealerShowsNoKey(t *testing.T) {
	_, s := someSealed(t, "a", "t")
	_, other := Derive(somePublic, []string{"another"})
	key := s.key()
	hides := func(t *testing.T, text string) {
		t.Helper()
		for _, spelling := range spellings(key) {
			assert.NotContains(t, text, spelling)
		}
	}
	values := map[string]any{
		"sealer": s, "pointer": &s, "struct": withSealer{"x", s, &s}, "struct behind": &withSealer{"x", s, &s},
		"slice": []Sealer{s}, "map": map[string]Sealer{"x": s}, "any": []any{s, &s}, "method": s.OpenRejection, "func": s.key,
	}
	for name, v := range values {
		t.Run(name, func(t *testing.T) {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%o", "%b", "%T", "%p"} {
				hides(t, fmt.Sprintf(verb, v))
			}
			hides(t, fmt.Errorf("with %v", v).Error())
			var b bytes.Buffer
			slog.New(slog.NewTextHandler(&b, nil)).Info("hello", "it", v, slog.Group("group", "it", v))
			slog.New(slog.NewJSONHandler(&b, nil)).Info("hello", "it", v, slog.Group("group", "it", v))
			_ = json.NewEncoder(&b).Encode(v) // may fail, may not tell
			_ = xml.NewEncoder(&b).Encode(v)
			_ = gob.NewEncoder(&b).Encode(v)
			hides(t, b.String())
		})
	}
	for name, assertion := range map[string]func(assert.TestingT) bool{
		"Equal":          func(t assert.TestingT) bool { return assert.Equal(t, s, other) },
		"Equal itself":   func(t assert.TestingT) bool { return assert.Equal(t, s, s) }, // functions are never equal
		"Equal pointers": func(t assert.TestingT) bool { return assert.Equal(t, &s, &other) },
		"Equal struct":   func(t assert.TestingT) bool { return assert.Equal(t, withSealer{"x", s, &s}, withSealer{}) },
		"EqualExported": func(t assert.TestingT) bool {
			return assert.EqualExportedValues(t, withSealer{"x", s, &s}, withSealer{"y", other, nil})
		},
		"Contains":      func(t assert.TestingT) bool { return assert.Contains(t, []Sealer{s}, other) },
		"ElementsMatch": func(t assert.TestingT) bool { return assert.ElementsMatch(t, []Sealer{s}, []Sealer{other}) },
		"Nil":           func(t assert.TestingT) bool { return assert.Nil(t, &s) },
		"Empty":         func(t assert.TestingT) bool { return assert.Empty(t, s) },
		"Zero":          func(t assert.TestingT) bool { return assert.Zero(t, s) },
		"Same":          func(t assert.TestingT) bool { return assert.Same(t, &s, &other) },
	} {
		t.Run(name, func(t *testing.T) {
			var said failures
			require.False(t, assertion(&said))
			require.NotEmpty(t, said.text.String())
			hides(t, said.text.String())
		})
	}
	// The same, of a key that is not hidden, is noticed.
	shown := fmt.Sprintf("%v %x", struct{ key [32]byte }{key}, key)
	assert.Contains(t, shown, spellings(key)[1])
	assert.Contains(t, shown, spellings(key)[4])
}

// A process may have 10,000: no AEAD in any of them.
func TestSealersAreSmall(t *testing.T) {
	const many = 10_000
	sealers := make([]Sealer, many)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range sealers {
		_, sealers[i] = Derive(somePublic, []string{fmt.Sprint("secret ", i)})
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	assert.Less(t, (int64(after.HeapAlloc)-int64(before.HeapAlloc))/many, int64(100), "bytes each")
	runtime.KeepAlive(sealers)
}

func BenchmarkSeal(b *testing.B) {
	x, s := someSealed(b, strings.Repeat("a", 60), strings.Repeat("t", 60))
	b.Run("derive", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			Derive(somePublic, someSecret)
		}
	})
	b.Run("record", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = s.SealRecord(x.id, x.app, x.tenant, x.life)
		}
	})
	b.Run("open record", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _, _ = s.OpenRecord(x.id, x.fp, x.life, x.record)
		}
	})
	b.Run("open rejection", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = s.OpenRejection(x.id, x.fp, x.rejected, x.rejection)
		}
	})
}

// plainHKDF and plainSeal are the same once more, by the letter of RFC 5869 and with a nonce
// that is given.
func plainHKDF(secret, salt []byte, info string, size int) []byte {
	mac := func(key []byte, parts ...[]byte) []byte {
		h := hmac.New(sha256.New, key)
		for _, p := range parts {
			h.Write(p)
		}
		return h.Sum(nil)
	}
	return mac(mac(salt, secret), []byte(info), []byte{1})[:size] // one block is enough
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

func momentOf(t testing.TB, text string) time.Time {
	t.Helper()
	ms, ok := ExactMillis(text)
	require.True(t, ok, text)
	return time.UnixMilli(ms.Milliseconds())
}

// assertNotOpened also wants a reason that quotes nothing.
func assertNotOpened(t *testing.T, err error, opened ...string) {
	t.Helper()
	var reason sealError
	require.ErrorAs(t, err, &reason)
	assert.Contains(t, []sealError{errSealSize, errSealNotCanonical, errSealNotOpened, errSealedGarbled, errSealedFingerprint}, reason)
	assert.Empty(t, strings.Join(opened, ""))
}

type withSealer struct {
	Name   string
	Sealer Sealer
	hidden *Sealer
}

// spellings are the ways in which a key could show.
func spellings(key [32]byte) []string {
	b := key[:8] // a part of it would be enough
	decimal := strings.Trim(fmt.Sprintf("%d", b), "[]")
	return []string{
		string(b), hex.EncodeToString(b), strings.ToUpper(hex.EncodeToString(b)), fmt.Sprintf("% x", b), decimal, strings.ReplaceAll(decimal, " ", ","),
		strings.ReplaceAll(decimal, " ", ", "), strings.Trim(fmt.Sprintf("%#v", b), "[]byte{}"), strings.Trim(fmt.Sprintf("%q", b), `"`),
		base64.RawStdEncoding.EncodeToString(key[:9]), base64.RawURLEncoding.EncodeToString(key[:9]), fmt.Sprintf("%o", b), fmt.Sprintf("%b", b),
		fmt.Sprintf("%#x", key[0]) + ", " + fmt.Sprintf("%#x", key[1]),
	}
}

// failures is a testing.T for testify that keeps what it says.
type failures struct{ text strings.Builder }

func (f *failures) Errorf(format string, args ...any) { fmt.Fprintf(&f.text, format, args...) }
