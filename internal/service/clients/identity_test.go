package clients_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/internal/service/clients"
)

func TestMay(t *testing.T) {
	clientsOf := table(t, billing(), reports())
	a, _ := clientsOf.BySecret(secretA)
	b, _ := clientsOf.BySecret(secretB)
	assert.True(t, a.May("crm", clients.Get))
	assert.True(t, a.May("crm", clients.Reject))
	assert.True(t, a.May("crm", clients.Get|clients.Reject))
	assert.False(t, a.May("m2m", clients.Get))
	assert.False(t, a.May("", clients.Get))
	assert.True(t, b.May("m2m", clients.Get))
	assert.False(t, b.May("m2m", clients.Reject))
	assert.False(t, b.May("m2m", clients.Get|clients.Reject))
}

func TestPermissionsAreApart(t *testing.T) {
	all := []clients.Permission{clients.Get, clients.Reject, clients.Call, clients.WS, clients.UserLogin, clients.UserTokens}
	for _, granted := range all {
		clientsOf := table(t, billing(func(c *clients.Client) { c.May = granted }))
		who, _ := clientsOf.BySecret(secretA)
		for _, asked := range all {
			assert.Equal(t, granted == asked, who.May("crm", asked), "%d of %d", asked, granted)
		}
	}
}

func TestCredentials(t *testing.T) {
	clientsOf := table(t, billing(func(c *clients.Client) { c.Credentials = []string{"m2m", "crm", "m2m"} }),
		reports(func(c *clients.Client) { c.Credentials = nil }))
	a, _ := clientsOf.BySecret(secretA)
	assert.Equal(t, []string{"crm", "m2m"}, a.Credentials(), "sorted, each once")
	b, _ := clientsOf.BySecret(secretB)
	assert.Empty(t, b.Credentials())
}

func TestOnlyCredential(t *testing.T) {
	clientsOf := table(t, billing(), reports(), clients.Client{Name: "none", Secrets: secrets("a-secret-without-rights"), May: clients.Get})
	a, _ := clientsOf.BySecret(secretA)
	name, ok := a.OnlyCredential()
	assert.True(t, ok)
	assert.Equal(t, "crm", name)
	for _, secret := range []string{secretB, "a-secret-without-rights"} {
		who, found := clientsOf.BySecret(secret)
		assert.True(t, found)
		_, ok = who.OnlyCredential()
		assert.False(t, ok)
	}
	twice := table(t, billing(func(c *clients.Client) { c.Credentials = []string{"crm", "crm"} }))
	a, _ = twice.BySecret(secretA)
	_, ok = a.OnlyCredential()
	assert.True(t, ok, "named twice, it is one")
}

func TestNobodyMayNothing(t *testing.T) {
	var nobody clients.Identity
	assert.Empty(t, nobody.Name())
	assert.Empty(t, nobody.Way())
	assert.False(t, nobody.May("crm", clients.Get))
	assert.False(t, nobody.May("crm", 0))
	assert.Empty(t, nobody.Credentials())
	_, ok := nobody.Seal("message")
	assert.False(t, ok)
	_, ok = nobody.OnlyCredential()
	assert.False(t, ok)
	wait, ok := nobody.Admit()
	assert.False(t, ok)
	assert.Equal(t, time.Hour, wait)
}
