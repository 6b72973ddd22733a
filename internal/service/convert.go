package service

import (
	"errors"

	"github.com/onetoken-go/onetoken/internal/service/clients"
	"github.com/onetoken-go/onetoken/internal/service/config"
	"github.com/onetoken-go/onetoken/internal/service/vault"
	"github.com/onetoken-go/onetoken/tokencache"
)

// credentialsOf are a configuration's, as the vault wants them.
func credentialsOf(c *config.Config) []vault.Credential {
	all := make([]vault.Credential, len(c.Credentials))
	for i, of := range c.Credentials {
		all[i] = vault.Credential{
			Name: of.Name, Kind: of.Kind, App: of.ID, URL: of.URL, Disabled: of.Disabled, Fetcher: of.Fetcher, Secret: of.Secret, API: of.API,
			RejectsSecret: of.RejectsSecret, Revision: of.Revision, Purpose: of.Purpose,
		}
	}
	return all
}

// tokensClientsOf are those of the token door, as their table wants them.
func tokensClientsOf(c *config.Config) []clients.Client { return clientsOf(c.Tokens.Clients, 0) }

// gatewayClientsOf are those of the gateway, as their table wants them: each may call, whatever else it may.
func gatewayClientsOf(c *config.Config) []clients.Client {
	return clientsOf(c.Gateway.Clients, clients.Call)
}

func clientsOf(list []config.Client, everyoneMay clients.Permission) []clients.Client {
	all := make([]clients.Client, len(list))
	for i, of := range list {
		all[i] = clients.Client{
			Name: of.Name, SANs: of.SANs, UID: of.UID, Credentials: of.Credentials, May: everyoneMay, Rate: of.Rate,
		}
		for _, secret := range []tokencache.Secret{of.Secret, of.Previous} {
			if !secret.IsZero() {
				all[i].Secrets = append(all[i].Secrets, secret)
			}
		}
		for _, what := range of.May {
			all[i].May |= permissions[what]
		}
	}
	return all
}

var permissions = map[string]clients.Permission{
	config.MayGet: clients.Get, config.MayReject: clients.Reject,
	config.MayWS: clients.WS, config.MayUserLogin: clients.UserLogin, config.MayUserTokens: clients.UserTokens,
}

// namesOf are those of the clients of all doors, and of the credentials.
func namesOf(c *config.Config) (clients, credentials map[string]bool) {
	clients, credentials = map[string]bool{}, map[string]bool{}
	for _, list := range [][]config.Client{c.Tokens.Clients, c.Gateway.Clients} {
		for _, of := range list {
			clients[of.Name] = true
		}
	}
	for _, of := range c.Credentials {
		credentials[of.Name] = true
	}
	return clients, credentials
}

// IsComplaint reports whether an error is about the configuration.
func IsComplaint(err error) bool {
	_, ok := errors.AsType[config.Complaints](err)
	return ok
}
