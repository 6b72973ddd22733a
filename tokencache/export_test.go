package tokencache

import (
	"cmp"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// MustCredential is NewCredential for tests, with an app and a secret if there is none.
func MustCredential(c CredentialConfig) Credential {
	c.App = cmp.Or(c.App, "app")
	if c.Secret == nil {
		c.Secret = []string{"of " + c.App}
	}
	credential, err := NewCredential(c)
	if err != nil {
		panic(err)
	}
	return credential
}

// SealKey is what nobody may ever read.
func SealKey(c Credential) string {
	key := c.get().seal.key()
	return string(key[:])
}

// AppOf is the app token of a record; empty if there is none that s could use, but for its end.
func AppOf(s *Source, fields map[string]string) string {
	life, _ := parseMillis(fields["life"])
	app, _, err := s.store.seal.openRecord(s.store.keys.id, fields["fingerprint"], life, fields["sealed"])
	if err != nil {
		return ""
	}
	return app
}

// OfAnotherBuild is a credential with the same ID that seals in another way.
func OfAnotherBuild(c Credential) Credential {
	d := *c.get()
	_, d.seal = deriveSeal([]string{"another build"}, []string{d.id})
	return Credential{&d}
}

// Sealed is what publish stores of a token, but for its times.
func Sealed(c Credential, tok Token) map[string]string {
	app, tenant := tok.reveal()
	life := millis(tok.life())
	sealed, err := c.get().seal.sealRecord(c.ID(), app, tenant, tok.life())
	if err != nil {
		panic(err)
	}
	return map[string]string{
		"sealed": sealed, "fingerprint": tok.Fingerprint(), "life": life, "sum": sumOf(sealed, tok.Fingerprint(), life),
	}
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
