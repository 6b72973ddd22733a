package clients_test

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/clients"
)

const message = "reports, crm, tenant, 1700000000"

// sealed is the message as the client with the secret seals it.
func sealed(t testing.TB, clientsOf *clients.Table, secret string) []byte {
	t.Helper()
	who, ok := clientsOf.BySecret(secret)
	require.True(t, ok)
	seal, ok := who.Seal(message)
	require.True(t, ok)
	return seal
}

// Services that know nothing of each other agree on a seal, so what makes it cannot change unseen.
func TestSeal(t *testing.T) {
	key, err := hkdf.Key(sha256.New, []byte(secretC), nil, "onetoken stand-in 1", 32)
	require.NoError(t, err)
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(message))
	here := table(t, billing(), reports())
	assert.Equal(t, mac.Sum(nil), sealed(t, here, secretC))

	for _, there := range []*clients.Table{here, table(t, reports())} {
		for _, secret := range []string{secretB, secretC} {
			who, ok := there.BySeal("reports", message, sealed(t, here, secret))
			require.True(t, ok, "another service, and either secret")
			assert.Equal(t, []string{"reports", "stand-in"}, []string{who.Name(), string(who.Way())})
			assert.True(t, who.May("crm", clients.Get))
		}
	}
}

func TestSealThatIsNone(t *testing.T) {
	clientsOf := table(t, billing(), reports(), clients.Client{Name: "by-cert", SANs: []string{"cert.example"}, May: clients.Get})
	good := sealed(t, clientsOf, secretB)
	changed := append([]byte{good[0] ^ 1}, good[1:]...)
	noKey := hmac.New(sha256.New, make([]byte, 32))
	noKey.Write([]byte(message))
	ofNobody := noKey.Sum(nil)
	for name, c := range map[string]struct {
		client, message string
		seal            []byte
	}{
		"another client's":                     {"billing", message, good},
		"nobody's":                             {"other", message, good},
		"without a name":                       {"", message, good},
		"the name in capitals":                 {"Reports", message, good},
		"another message":                      {"reports", message + "0", good},
		"no message":                           {"reports", "", good},
		"another seal":                         {"reports", message, changed},
		"one too short":                        {"reports", message, good[:31]},
		"one too long":                         {"reports", message, append(good[:32:32], 0)},
		"none":                                 {"reports", message, nil},
		"of no key, for nobody":                {"other", message, ofNobody},
		"of no key, for no name":               {"", message, ofNobody},
		"of no key, for a client with one":     {"billing", message, ofNobody},
		"of no key, for a client without any":  {"by-cert", message, ofNobody},
		"a client that is known otherwise":     {"by-cert", message, good},
		"the secret in place of a seal of its": {"reports", message, []byte(secretB)},
	} {
		who, ok := clientsOf.BySeal(c.client, c.message, c.seal)
		assert.False(t, ok, name)
		assert.Equal(t, clients.Identity{}, who, name)
	}
	_, ok := new(clients.Table).BySeal("other", message, ofNobody)
	assert.False(t, ok, "an empty table")
}

// A seal lives as long as the secret that made it, first or second: not as long as the client.
func TestSealEndsWithItsSecret(t *testing.T) {
	before := table(t, reports())
	byB, byC := sealed(t, before, secretB), sealed(t, before, secretC)
	for name, c := range map[string]struct {
		after          *clients.Table
		takesB, takesC bool
	}{
		"the first has gone":     {table(t, reports(func(c *clients.Client) { c.Secrets = secrets(secretC) })), false, true},
		"the second has gone":    {table(t, reports(func(c *clients.Client) { c.Secrets = secrets(secretB) })), true, false},
		"they have changed":      {table(t, reports(func(c *clients.Client) { c.Secrets = secrets(secretC, secretB) })), true, true},
		"both have gone":         {table(t, reports(func(c *clients.Client) { c.Secrets = secrets(secretA) })), false, false},
		"the client has gone":    {table(t, billing()), false, false},
		"it has another name":    {table(t, reports(func(c *clients.Client) { c.Name = "reporting" })), false, false},
		"it may do other things": {table(t, reports(func(c *clients.Client) { c.Credentials = nil })), true, true},
	} {
		_, ok := c.after.BySeal("reports", message, byB)
		assert.Equal(t, c.takesB, ok, name)
		_, ok = c.after.BySeal("reports", message, byC)
		assert.Equal(t, c.takesC, ok, name)
	}
}

// Whoever was found by a seal seals by the same secret: a stand-in that makes another does not outlive it.
func TestSealOfSealed(t *testing.T) {
	clientsOf := table(t, reports())
	for _, secret := range []string{secretB, secretC} {
		seal := sealed(t, clientsOf, secret)
		who, ok := clientsOf.BySeal("reports", message, seal)
		require.True(t, ok)
		again, ok := who.Seal(message)
		assert.True(t, ok)
		assert.Equal(t, seal, again)
	}
}

func TestSealTakesASecret(t *testing.T) {
	uid := uint32(1000)
	clientsOf := table(t, billing(func(c *clients.Client) { c.SANs, c.UID = []string{"cert.example"}, &uid }))
	byName, ok := clientsOf.ByNameAndSecret("billing", secretA)
	require.True(t, ok)
	seal, ok := byName.Seal(message)
	assert.True(t, ok)
	assert.Equal(t, sealed(t, clientsOf, secretA), seal)
	byOAuth, ok := clientsOf.IdentifyOAuth(request(), "billing", secretA)
	require.True(t, ok)
	_, ok = byOAuth.Seal(message)
	assert.True(t, ok)

	byCert, ok := clientsOf.ByCertificate(verified(t, "cert.example"))
	require.True(t, ok)
	_, ok = byCert.Seal(message)
	assert.False(t, ok, "a certificate has no key here")
	byPeer, ok := clientsOf.Identify(request(atSocket(1000)))
	require.True(t, ok)
	_, ok = byPeer.Seal(message)
	assert.False(t, ok, "nor has a user id")
}

// thousand clients, of which one in the middle is looked for.
func thousand(b *testing.B) *clients.Table {
	b.Helper()
	list := make([]clients.Client, 1000)
	for i := range list {
		name := fmt.Sprintf("client-%d", i)
		list[i] = clients.Client{Name: name, Secrets: secrets("the-secret-of-"+name+"-0123456789abcdef", "the-previous-of-"+name+"-0123456789"), May: clients.Call}
	}
	clientsOf, err := clients.New(list, nil)
	require.NoError(b, err)
	return clientsOf
}

func BenchmarkSeal(b *testing.B) {
	who, _ := thousand(b).BySecret("the-secret-of-client-500-0123456789abcdef")
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := who.Seal(message); !ok {
			b.Fatal("not sealed")
		}
	}
}

func BenchmarkBySeal(b *testing.B) {
	clientsOf := thousand(b)
	for _, c := range []struct {
		name, secret string
		found        bool
	}{
		{"first", "the-secret-of-client-500-0123456789abcdef", true},
		{"previous", "the-previous-of-client-500-0123456789", true},
		{"refused", "the-secret-of-client-501-0123456789abcdef", false},
	} {
		b.Run(c.name, func(b *testing.B) {
			seal := sealed(b, clientsOf, c.secret)
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := clientsOf.BySeal("client-500", message, seal); ok != c.found {
					b.Fatal(ok)
				}
			}
		})
	}
}

func BenchmarkNew(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		thousand(b)
	}
}
