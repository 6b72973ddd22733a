package door_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/clients"
	"github.com/onetoken-go/onetoken/internal/service/door"
)

func TestConfigComplaints(t *testing.T) {
	_, err := door.New(door.Config{Hosts: []string{"good.example", "http://bad.example", "bad:80", "", ".", "a b", "bad/x", "[::1]"}})
	require.Error(t, err)
	assert.Equal(t, 9, len(strings.Split(err.Error(), "\n")), "%v", err)
	for _, words := range []string{"Clients is nil", "Vault is nil", "Hosts[1] is no host name", "Hosts[7]"} {
		assert.ErrorContains(t, err, words)
	}
	assert.NotContains(t, err.Error(), "bad")
}

func TestConfigNeedsNoMore(t *testing.T) {
	table, err := clients.New(everybody(), nil)
	require.NoError(t, err)
	d, err := door.New(door.Config{Clients: func() *clients.Table { return table }, Vault: usualVault(), Hosts: []string{"A.example.", "10.0.0.5", "::1", "my_host"}})
	require.NoError(t, err)
	s := &stage{Door: d}
	assert.Equal(t, 200, s.get("/v1/tokens/crm", bearer(billingSecret)).Code, "nobody listens")
	assert.Equal(t, 200, s.get("/v1/tokens/crm", bearer(billingSecret), host("a.example:80")).Code)
	assert.Equal(t, 200, s.get("/v1/tokens/crm", bearer(billingSecret), host("10.0.0.5:8081")).Code)
}
