package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/onetoken-go/onetoken/tokencache"
)

// tokenJSONHelp documents the names of the fields, which do not change.
const tokenJSONHelp = `--json prints an object in one line:
  app_id                the app's id
  kind, token           app or tenant, and the token of that kind
  app_access_token      both tokens, which come and end together; null if the
  tenant_access_token     issuer gave no tenant token
  expires_at            when they end, by this host's clock (RFC 3339)
  expires_in_seconds    how long they live`

type tokenObject struct {
	AppID     string    `json:"app_id"`
	Kind      string    `json:"kind"`
	Token     string    `json:"token"`
	App       string    `json:"app_access_token"`
	Tenant    *string   `json:"tenant_access_token"`
	ExpiresAt time.Time `json:"expires_at"`
	ExpiresIn seconds   `json:"expires_in_seconds"`
}

// printToken writes value, which is the token of the kind, in the one way or the other.
func (s *session) printToken(tok tokencache.Token, kind, value string, asJSON bool) error {
	if !asJSON {
		_, err := fmt.Fprintln(s.app.stdout, value)
		return err
	}
	o := tokenObject{
		AppID: s.appID, Kind: kind, Token: value, App: tok.AppAccessToken(),
		ExpiresAt: tok.Expiry().UTC().Truncate(time.Millisecond), ExpiresIn: secondsOf(time.Until(tok.Expiry())),
	}
	if tenant := tok.TenantAccessToken(); tenant != "" {
		o.Tenant = &tenant
	}
	raw, err := json.Marshal(o)
	if err != nil {
		panic(err) // strings and numbers
	}
	_, err = io.WriteString(s.app.stdout, printableJSON(string(raw))+"\n")
	return err
}

// notSharedError is a token that --strict does not take.
type notSharedError struct{ why error }

func (e *notSharedError) Error() string {
	return fmt.Sprintf("the token came straight from the issuer and is not shared, so --strict prints none: %v", e.why)
}

func (e *notSharedError) Unwrap() error { return e.why }

// strictly is an error if the token was had around Redis.
func (s *session) strictly(ctx context.Context) error {
	s.seen.settle(ctx, s.cache)
	s.seen.mu.Lock()
	defer s.seen.mu.Unlock()
	if !s.seen.direct {
		return nil
	}
	return &notSharedError{cmp.Or(s.seen.redis, errors.New("redis was in trouble"))}
}

// tellReturned says if the token had been refused, and the issuer has handed it out again:
// to print it as if it were another would send people round in circles.
func (s *session) tellReturned(ctx context.Context, tok tokencache.Token) {
	if tok.IsZero() || s.seen.troubled() {
		return
	}
	const patience = time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	refused := s.app.prefix() + ":{" + s.source.ID() + "}:rejected:" + tok.Fingerprint()
	if s.rdb.Get(ctx, refused).Err() == nil {
		say(s.app.stderr, "this token was refused before, and the issuer has handed it out again: see why it is refused, as asking once more brings the same")
	}
}
