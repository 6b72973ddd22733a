package tokencache

import (
	"cmp"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/onetoken-go/onetoken/internal/wire"
)

// MustCredential is NewCredential for tests, with an app and a secret if there is none.
func MustCredential(c CredentialConfig) Credential {
	c.App = cmp.Or(c.App, "app")
	if c.Secret == nil {
		c.Secret = []Secret{NewSecret("of " + c.App)}
	}
	credential, err := NewCredential(c)
	if err != nil {
		panic(err)
	}
	return credential
}

// SealKey is what nobody may ever read.
func SealKey(c Credential) string {
	key := c.get().seal.Key()
	return string(key[:])
}

// AppOf is the app token of a record; empty if there is none that s could use, but for its end.
func AppOf(s *Source, fields map[string]string) string {
	life, _ := wire.ParseMillis(fields["life"])
	app, _, err := s.store.seal.OpenRecord(s.link.store.keys.id, fields["fingerprint"], life, fields["sealed"])
	if err != nil {
		return ""
	}
	return app
}

// OfAnotherBuild is a credential with the same ID that seals in another way.
func OfAnotherBuild(c Credential) Credential {
	d := *c.get()
	_, d.seal = wire.Derive([]string{"another build"}, []string{d.id})
	return Credential{&d}
}

// Sealed is what publish stores of a token, but for its times.
func Sealed(c Credential, tok Token) map[string]string {
	app, tenant := tok.reveal()
	life := wire.Millis(tok.life())
	sealed, err := c.get().seal.SealRecord(c.ID(), app, tenant, tok.life())
	if err != nil {
		panic(err)
	}
	return map[string]string{
		"sealed": sealed, "fingerprint": tok.Fingerprint(), "life": life, "sum": wire.Sum(sealed, tok.Fingerprint(), life),
	}
}

// Hint is an event of a token; its times are by Redis' clock.
type Hint struct {
	Token                    Token
	Stored, Checked, Ends    time.Time
	Unsealed                 bool
	SealedStored, SealedEnds time.Time // what the seal vouches for, if that is something else
	Sealed                   string    // what stands for the seal, if it is none
	Life                     time.Duration
}

// String is the event as a replica with that credential sends it.
func (h Hint) String(c Credential) string {
	app, tenant := h.Token.reveal()
	at := wire.TokenTimes{StoredAt: h.Stored, CheckedAt: h.Checked, EndsAt: h.Ends}
	vouched := at
	if !h.SealedStored.IsZero() {
		vouched.StoredAt = h.SealedStored
	}
	if !h.SealedEnds.IsZero() {
		vouched.EndsAt = h.SealedEnds
	}
	life := cmp.Or(h.Life, h.Token.life())
	sealed, err := c.get().seal.SealToken(c.ID(), app, tenant, life, vouched)
	if err != nil {
		panic(err)
	}
	if h.Unsealed {
		sealed = ""
	}
	return wire.EventToken + " " + wire.TokenHint{Fingerprint: h.Token.Fingerprint(), Life: life, At: at, Sealed: cmp.Or(h.Sealed, sealed)}.String()
}

// RejectionHint is the event of a rejection.
func RejectionHint(c Credential, fingerprint string, at time.Time) string {
	sealed, err := c.get().seal.SealRejection(c.ID(), fingerprint, at)
	if err != nil {
		panic(err)
	}
	return wire.EventRejection + " " + wire.RejectionHint{Fingerprint: fingerprint, At: at, Sealed: sealed}.String()
}

// PublishInstead offers a token of an hour, and names a record that is to make way for it.
func PublishInstead(t testing.TB, rdb *redis.Client, c Credential, lock, sum string, at time.Time) string {
	t.Helper()
	s := store{redis: newGuard(rdb, time.Second, lonely()), keys: keysOf(defaultPrefix, c.ID()), seal: c.get().seal}
	out, _, err := s.publish(t.Context(), offer{token: NewToken("ours", "", time.Hour), asked: at, by: "us", lock: lock, instead: sum})
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func secretsOf(parts []string) []Secret {
	all := make([]Secret, len(parts))
	for i, part := range parts {
		all[i] = NewSecret(part)
	}
	return all
}
