package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/onetoken-go/onetoken/tokencache"
)

// tokenJSONHelp documents the names of the fields, which do not change.
const tokenJSONHelp = `--json prints an object in one line:
  app_id                the app's id
  kind, token           app or tenant, and the token of that kind
  app_access_token      both tokens, which come and end together; null if the
  tenant_access_token     issuer gave no tenant token
  expires_at            when they end, by this host's clock (RFC 3339)
  expires_in_seconds    how long they live
  handed_out_again      true: it was refused, and the issuer has handed it out
                          again, so that asking once more brings the same; null
                          if Redis does not say`

type tokenObject struct {
	AppID     string    `json:"app_id"`
	Kind      string    `json:"kind"`
	Token     string    `json:"token"`
	App       string    `json:"app_access_token"`
	Tenant    *string   `json:"tenant_access_token"`
	ExpiresAt time.Time `json:"expires_at"`
	ExpiresIn seconds   `json:"expires_in_seconds"`
	Returned  *bool     `json:"handed_out_again"`
}

// printToken writes value, which is the token of the kind, in the one way or the other.
func (s *session) printToken(tok tokencache.Token, kind, value string, asJSON bool, returned *bool) error {
	if !asJSON {
		_, err := fmt.Fprintln(s.app.stdout, value)
		return err
	}
	o := tokenObject{
		AppID: s.appID, Kind: kind, Token: value, App: tok.AppAccessToken(),
		ExpiresAt: tok.Expiry().UTC().Truncate(time.Millisecond), ExpiresIn: secondsOf(time.Until(tok.Expiry())), Returned: returned,
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
	seen := s.settled(ctx)
	if !seen.Direct {
		return nil
	}
	return &notSharedError{cmp.Or(seen.Redis, errors.New("redis was in trouble"))}
}

// hasReturned says whether the token had been refused, and the issuer has handed it out again; nil
// if there is no token, or Redis does not say.
func (s *session) hasReturned(ctx context.Context, tok tokencache.Token) *bool {
	if seen := s.settled(ctx); tok.IsZero() || seen.Redis != nil {
		return nil
	}
	const patience = time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ctx, cancel = s.deadline.within(ctx, 0)
	defer cancel()
	refused, err := s.rdb.Get(ctx, s.app.prefix()+":{"+s.source.ID()+"}:rejected:"+tok.Fingerprint()).Result()
	switch {
	case errors.Is(err, redis.Nil):
		return new(false)
	case err != nil:
		return nil
	}
	return new(!strings.HasSuffix(refused, " alone")) // then it was kept for the others
}

// tellReturned is for people: to print it as if it were another token would send them round in
// circles.
func (s *session) tellReturned(returned *bool) {
	if returned != nil && *returned {
		say(s.app.stderr, "this token was refused before, and the issuer has handed it out again: see why it is refused, as asking once more brings the same")
	}
}
