package service

import (
	"context"
	"net/http"
	"time"

	"github.com/onetoken-go/onetoken/internal/service/config"
	"github.com/onetoken-go/onetoken/internal/service/gateway"
	"github.com/onetoken-go/onetoken/internal/service/vault"
)

// gatewayDoor passes calls of APIs on, with the tokens of what is in the vault.
func (s *Service) gatewayDoor() (http.Handler, error) {
	return gateway.New(gateway.Config{Clients: s.callers.Load, Vault: calling{s.vault}, Audit: s.auditCall, Logger: s.Logger})
}

// auditCall notes a request at the gateway.
func (s *Service) auditCall(u gateway.Use) {
	of, now := use{client: u.Client, door: config.DoorGateway, credential: u.Credential}, time.Now()
	s.tally.asked(of.door, u.Refused != "" && u.Status < http.StatusInternalServerError)
	refused := ""
	switch {
	case u.Status == gateway.StatusGone:
	case u.Cause != nil:
		s.uses.failed(of, u.Refused, u.Cause, now)
	case u.Refused != "":
		refused = u.Refused
		s.uses.denied(of, refused, now)
	default:
		s.uses.granted(of, now)
	}
	s.counts.asked(of, u.Status, refused)
}

// calling is the vault as the gateway wants it: of Feishu's apps alone.
type calling struct{ vault *vault.Vault }

func (c calling) Find(name string) (gateway.Credential, bool) {
	e, ok := c.vault.Find(name)
	if !ok || e.Configured().Kind != config.KindFeishu { // what serves may be of another kind yet: see newUpstream there
		return nil, false
	}
	return called{e}, true
}

type called struct{ entry *vault.Entry }

func (c called) App() gateway.App { return appOf(c.entry.Serving()) }

func (c called) Live(ctx context.Context) (gateway.Live, error) {
	live, err := c.entry.Live(ctx)
	if err != nil {
		return gateway.Live{}, err
	}
	return gateway.Live{App: appOf(live.Credential), Token: live.Token, Tokens: live}, nil
}

func appOf(c vault.Credential) gateway.App {
	return gateway.App{ID: c.App, Secret: c.Secret, BaseURL: c.URL, API: c.API}
}
