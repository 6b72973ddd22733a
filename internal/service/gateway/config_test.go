package gateway_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/clients"
	"github.com/onetoken-go/onetoken/internal/service/gateway"
)

func TestConfigComplaints(t *testing.T) {
	_, err := gateway.New(gateway.Config{})
	require.ErrorContains(t, err, "Clients is nil")
	assert.ErrorContains(t, err, "Vault is nil")
}

func TestConfigNeedsNoMore(t *testing.T) {
	s := open(t)
	g, err := gateway.New(gateway.Config{Clients: s.table.Load, Vault: s.vault})
	require.NoError(t, err)
	s.Config.Handler = g
	assert.Equal(t, 0, s.ask(tenantPath, "cli_crm", botSecret).Code, "nobody listens")
	assert.Equal(t, 404, s.call("GET", "/", "", "").status)
	var nobody clients.Table
	s.table.Store(&nobody)
	assert.Equal(t, 10014, s.ask(tenantPath, "cli_crm", botSecret).Code, "the zero Table")
}
