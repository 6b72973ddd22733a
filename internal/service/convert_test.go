package service

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/clients"
	"github.com/onetoken-go/onetoken/internal/service/config"
	"github.com/onetoken-go/onetoken/tokencache"
)

// One program at both doors has at each what that door lets it do.
func TestClientsOfBothDoors(t *testing.T) {
	uid := uint32(1000)
	secret, previous := tokencache.NewSecret("secret-of-billing-1"), tokencache.NewSecret("secret-of-billing-0")
	c := &config.Config{
		Credentials: []config.Credential{{Name: "crm"}},
		Tokens: config.Tokens{Clients: []config.Client{
			{Name: "billing", Secret: secret, Credentials: []string{"crm"}, May: []string{config.MayGet}, Rate: 50},
			{Name: "cron", UID: &uid, May: []string{config.MayGet, config.MayReject}},
		}},
		Gateway: config.Gateway{Clients: []config.Client{
			{Name: "billing", Secret: secret, Previous: previous, SANs: []string{"billing.example"}, Credentials: []string{"crm"}, Rate: 20},
			{Name: "bot", Secret: tokencache.NewSecret("secret-of-the-bot"), May: []string{config.MayWS, config.MayUserLogin, config.MayUserTokens}},
		}},
	}
	tokens, gateway := tokensClientsOf(c), gatewayClientsOf(c)
	require.Len(t, tokens, 2)
	require.Len(t, gateway, 2)
	assert.Equal(t, []string{"secret-of-billing-1"}, revealed(&tokens[0]))
	assert.Equal(t, clients.Client{Name: "billing", Credentials: []string{"crm"}, May: clients.Get, Rate: 50}, tokens[0])
	assert.Equal(t, clients.Get|clients.Reject, tokens[1].May)
	assert.Equal(t, &uid, tokens[1].UID)
	assert.Equal(t, []string{"secret-of-billing-1", "secret-of-billing-0"}, revealed(&gateway[0]))
	assert.Equal(t, clients.Client{Name: "billing", SANs: []string{"billing.example"}, Credentials: []string{"crm"}, May: clients.Call, Rate: 20}, gateway[0])
	assert.Equal(t, clients.Call|clients.WS|clients.UserLogin|clients.UserTokens, gateway[1].May)

	names, credentials := namesOf(c)
	assert.Equal(t, map[string]bool{"billing": true, "cron": true, "bot": true}, names)
	assert.Equal(t, map[string]bool{"crm": true}, credentials)
	assert.Empty(t, gatewayClientsOf(&config.Config{}))
}

// revealed takes the secrets of a client away: no two are equal in themselves.
func revealed(c *clients.Client) (all []string) {
	for _, secret := range c.Secrets {
		all = append(all, secret.Reveal())
	}
	c.Secrets = nil
	return all
}
