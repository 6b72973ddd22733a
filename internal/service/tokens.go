package service

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/onetoken-go/onetoken/internal/service/config"
	"github.com/onetoken-go/onetoken/internal/service/door"
	"github.com/onetoken-go/onetoken/internal/service/vault"
	"github.com/onetoken-go/onetoken/tokencache"
)

// tokenDoor hands out what is in the vault, at the port or at the socket: name says which. Clients and credentials are
// the same at both.
func (s *Service) tokenDoor(name string) (http.Handler, error) {
	return door.New(door.Config{
		Clients: s.clients.Load, Vault: handing{s.vault}, Hosts: s.config.Tokens.Hosts,
		Audit: func(u door.Use) { s.audit(name, u) },
	})
}

// audit notes a request at one of the token doors.
func (s *Service) audit(name string, u door.Use) {
	of, now := use{client: u.Client, door: name, credential: u.Credential}, time.Now()
	s.tally.asked(of.door, u.Error != "" && u.Status < http.StatusInternalServerError) // from 500 the trouble is ours
	refused := ""
	switch {
	case u.Status < http.StatusBadRequest:
		s.uses.granted(of, now)
	case u.Cause != nil:
		s.uses.failed(of, u.Error, u.Cause, now)
	default:
		refused = u.Error
		s.uses.denied(of, refused, now)
	}
	s.counts.asked(of, u.Status, refused)
}

// handing is the vault as the token door wants it.
type handing struct{ vault *vault.Vault }

func (h handing) Find(name string) (door.Credential, bool) {
	e, ok := h.vault.Find(name)
	if !ok {
		return nil, false
	}
	return handed{e}, true
}

type handed struct{ *vault.Entry }

var (
	pair   = []door.Kind{door.Tenant, door.App}
	single = []door.Kind{door.Access}
)

func (h handed) Kinds() []door.Kind {
	if h.Serving().Kind == config.KindFeishu {
		return pair
	}
	return single
}

func (h handed) Peek() (door.Handout, bool) {
	plan, ok := h.Schedule()
	return handout(plan), ok
}

func (h handed) Get(ctx context.Context) (door.Handout, error) {
	plan, err := h.Entry.Get(ctx)
	return handout(plan), err
}

func (h handed) Reject(ctx context.Context, refused door.Refused) (door.Outcome, error) {
	for _, source := range h.Held() {
		became, err := refused.At(ctx, source)
		switch {
		case errors.Is(err, tokencache.ErrClosed): // a reload has just taken it away, and its tokens with it
		case err != nil || became != door.Replaced:
			return became, err
		}
	}
	return door.Replaced, nil
}

func handout(plan tokencache.Schedule) door.Handout {
	return door.Handout{Token: plan.Token, Remaining: plan.Remaining, Margin: plan.Margin, RefreshIn: plan.Refresh}
}
