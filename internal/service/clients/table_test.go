package clients_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/internal/service/clients"
)

func reports(changes ...func(*clients.Client)) clients.Client {
	c := clients.Client{Name: "reports", Secrets: secrets(secretB, secretC), Credentials: []string{"crm", "m2m"}, May: clients.Get}
	for _, change := range changes {
		change(&c)
	}
	return c
}

func TestWhatTwoClientsCannotShare(t *testing.T) {
	uid := uint32(1000)
	for complaint, change := range map[string]func(*clients.Client){
		"client 2 (billing): another client has this name":                       func(c *clients.Client) { c.Name = "billing" },
		"client 2 (reports): secret 2 is another client's":                       func(c *clients.Client) { c.Secrets = secrets(secretB, secretA) },
		"client 2 (reports): name 1 of its certificate is another client's":      func(c *clients.Client) { c.SANs = []string{"Host.Example."} },
		"client 2 (reports): name 1 of its certificate is another client's, too": func(c *clients.Client) { c.SANs = []string{"SPIFFE://Example.org/billing"} },
		"client 2 (reports): its user id is another client's":                    func(c *clients.Client) { c.UID = &uid },
	} {
		first := billing(func(c *clients.Client) {
			c.SANs, c.UID = []string{"host.example", "spiffe://example.org/billing"}, &uid
		})
		_, err := clients.New([]clients.Client{first, reports(change)}, nil)
		assert.ErrorContains(t, err, complaint)
		assert.NotContains(t, fmt.Sprint(err), "\n", "one fault is one complaint: %s", complaint)
	}
}

func TestBySecret(t *testing.T) {
	clientsOf := table(t, billing(), reports())
	for secret, name := range map[string]string{secretA: "billing", secretB: "reports", secretC: "reports"} {
		who, ok := clientsOf.BySecret(secret)
		assert.True(t, ok)
		assert.Equal(t, name, who.Name())
		assert.Equal(t, clients.Secret, who.Way())
	}
	for _, secret := range []string{"", secretA + "a", secretA[1:], "billing", strings.ToUpper(secretA), strings.Repeat("a", 1<<20)} {
		who, ok := clientsOf.BySecret(secret)
		assert.False(t, ok)
		assert.Equal(t, clients.Identity{}, who)
	}
}

func TestByNameAndSecret(t *testing.T) {
	clientsOf := table(t, billing(), reports())
	who, ok := clientsOf.ByNameAndSecret("reports", secretC)
	assert.True(t, ok)
	assert.Equal(t, "reports", who.Name())
	for _, pair := range [][2]string{{"billing", secretB}, {"", secretA}, {"billing", ""}, {"", ""}, {"other", secretA}, {"other", "other-secret-0000"}} {
		who, ok := clientsOf.ByNameAndSecret(pair[0], pair[1])
		assert.False(t, ok, pair[0])
		assert.Equal(t, clients.Identity{}, who)
	}
}

func TestEmptyTableKnowsNobody(t *testing.T) {
	for _, empty := range []*clients.Table{table(t), {}} {
		_, ok := empty.BySecret("")
		assert.False(t, ok)
		_, ok = empty.ByNameAndSecret("", "")
		assert.False(t, ok)
		_, ok = empty.ByPeer(t.Context())
		assert.False(t, ok)
		_, ok = empty.ByCertificate(nil)
		assert.False(t, ok)
	}
}

// A Table that is printed by mistake shows no secret.
func TestTablePrintsNoSecret(t *testing.T) {
	clientsOf := table(t, billing(), reports())
	who, _ := clientsOf.BySecret(secretA)
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("here", "table", *clientsOf, "who", who)
	for _, shown := range []string{log.String(), fmt.Sprintf("%v %+v %#v", clientsOf, *clientsOf, who)} {
		for _, secret := range []string{secretA, secretB, secretC} {
			assert.NotContains(t, shown, secret)
		}
	}
}

// Two tables have no digest in common, so that none can be computed ahead.
func TestDigestsHaveAKeyOfTheirOwn(t *testing.T) {
	assert.NotEqual(t, *table(t, billing()), *table(t, billing()))
}

func BenchmarkBySecret(b *testing.B) {
	list := make([]clients.Client, 1000)
	for i := range list {
		name := fmt.Sprintf("client-%d", i)
		list[i] = clients.Client{Name: name, Secrets: secrets("the-secret-of-" + name + "-0123456789abcdef"), May: clients.Get}
	}
	clientsOf, err := clients.New(list, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := clientsOf.BySecret("the-secret-of-client-500-0123456789abcdef"); !ok {
			b.Fatal("not found")
		}
	}
}
