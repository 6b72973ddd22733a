package clients_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/clients"
	"github.com/onetoken-go/onetoken/tokencache"
)

const (
	secretA = "secret-of-billing-aaaaaaaa"
	secretB = "secret-of-reports-bbbbbbbb"
	secretC = "secret-to-come-cccccccccc"
)

// billing is a good client; with changes, another.
func billing(changes ...func(*clients.Client)) clients.Client {
	c := clients.Client{
		Name: "billing", Secrets: secrets(secretA), Credentials: []string{"crm"}, May: clients.Get | clients.Reject,
	}
	for _, change := range changes {
		change(&c)
	}
	return c
}

func secrets(texts ...string) (all []tokencache.Secret) {
	for _, text := range texts {
		all = append(all, tokencache.NewSecret(text))
	}
	return all
}

func table(t *testing.T, list ...clients.Client) *clients.Table {
	t.Helper()
	made, err := clients.New(list, nil)
	require.NoError(t, err)
	return made
}

func TestComplaints(t *testing.T) {
	for complaint, change := range map[string]func(*clients.Client){
		"client 1: the name has to be":                     func(c *clients.Client) { c.Name = "Billing" },
		"client 1 (billing): nothing identifies it":        func(c *clients.Client) { c.Secrets = nil },
		"client 1 (billing): more than two secrets":        func(c *clients.Client) { c.Secrets = secrets(secretA, secretB, secretC) },
		"client 1 (billing): secret 2 has fewer than 16":   func(c *clients.Client) { c.Secrets = secrets(secretA, "fifteen-charact") },
		"client 1 (billing): secret 1 has more than 1,024": func(c *clients.Client) { c.Secrets = secrets(strings.Repeat("a", 1025)) },
		"client 1 (billing): secret 1 has blanks":          func(c *clients.Client) { c.Secrets = secrets(secretA + "\n") },
		"client 1 (billing): name 1 of its certificate is": func(c *clients.Client) { c.SANs = []string{"a@example.org"} },
		"client 1 (billing): what it may do has to be":     func(c *clients.Client) { c.May = 0 },
		"client 1 (billing): what it may do has to be one": func(c *clients.Client) { c.May = clients.UserTokens << 1 },
		"client 1 (billing): the rate has to be":           func(c *clients.Client) { c.Rate = math.NaN() },
		"client 1 (billing): the rate has to be a":         func(c *clients.Client) { c.Rate = -1 },
		"client 1 (billing): the rate has to be a number":  func(c *clients.Client) { c.Rate = 100_001 },
	} {
		made, err := clients.New([]clients.Client{billing(change)}, nil)
		assert.ErrorContains(t, err, complaint)
		assert.Nil(t, made)
		assert.NotContains(t, fmt.Sprint(err), "\n", "one fault is one complaint: %s", complaint)
	}
}

func TestComplaintsAreToldTogether(t *testing.T) {
	_, err := clients.New([]clients.Client{
		billing(func(c *clients.Client) { c.Rate, c.May = -1, 0 }),
		billing(func(c *clients.Client) { c.Name = "my-secret as a name" }),
	}, nil)
	require.Error(t, err)
	assert.Equal(t, 4, len(strings.Split(err.Error(), "\n")), "%v", err)
	assert.ErrorContains(t, err, "client 2: secret 1 is another client's, too")
	assert.NotContains(t, err.Error(), "my-secret")
	assert.NotContains(t, err.Error(), secretA)
}

func TestWhatIsGood(t *testing.T) {
	for name, change := range map[string]func(*clients.Client){
		"as it is":                   func(*clients.Client) {},
		"a name of 63 characters":    func(c *clients.Client) { c.Name = strings.Repeat("a", 63) },
		"secrets of 16 and 1,024":    func(c *clients.Client) { c.Secrets = secrets("sixteen-characte", strings.Repeat("a", 1024)) },
		"the same secret twice":      func(c *clients.Client) { c.Secrets = secrets(secretA, secretA) },
		"no credential":              func(c *clients.Client) { c.Credentials = nil },
		"a certificate alone":        func(c *clients.Client) { c.Secrets, c.SANs = nil, []string{"billing.example"} },
		"root alone":                 func(c *clients.Client) { c.Secrets, c.UID = nil, new(uint32) },
		"one request in ten seconds": func(c *clients.Client) { c.Rate = 0.1 },
		"100,000 requests in one":    func(c *clients.Client) { c.Rate = 100_000 },
		"signs that need escaping":   func(c *clients.Client) { c.Secrets = secrets(`a+b/c=d%20&e:f"g\h`) },
		"may only reject":            func(c *clients.Client) { c.May = clients.Reject },
		"may only call":              func(c *clients.Client) { c.May = clients.Call },
		"all that a gateway allows": func(c *clients.Client) {
			c.May = clients.Call | clients.WS | clients.UserLogin | clients.UserTokens
		},
		"a URI without a host part":   func(c *clients.Client) { c.SANs = []string{"urn:example:billing"} },
		"a name as a certificate has": func(c *clients.Client) { c.SANs = []string{"spiffe://example.org/billing"} },
	} {
		_, err := clients.New([]clients.Client{billing(change)}, nil)
		assert.NoError(t, err, name)
	}
	_, err := clients.New(nil, nil)
	assert.NoError(t, err, "nobody may ask")
}
