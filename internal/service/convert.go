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
			Name: of.Name, Kind: of.Kind, App: of.ID, URL: of.URL, Disabled: of.Disabled, Fetcher: of.Fetcher,
			RejectsSecret: of.RejectsSecret, Revision: of.Revision, Purpose: of.Purpose,
		}
	}
	return all
}

// clientsOf are a configuration's, as their table wants them.
func clientsOf(c *config.Config) []clients.Client {
	all := make([]clients.Client, len(c.Tokens.Clients))
	for i, of := range c.Tokens.Clients {
		all[i] = clients.Client{Name: of.Name, SANs: of.SANs, UID: of.UID, Credentials: of.Credentials, Rate: of.Rate}
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

var permissions = map[string]clients.Permission{config.MayGet: clients.Get, config.MayReject: clients.Reject}

func namesOf(c *config.Config) (clients, credentials map[string]bool) {
	clients, credentials = map[string]bool{}, map[string]bool{}
	for _, of := range c.Tokens.Clients {
		clients[of.Name] = true
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
