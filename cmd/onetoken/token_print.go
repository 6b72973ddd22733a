package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/onetoken-go/onetoken/internal/statusjson"
	"github.com/onetoken-go/onetoken/tokencache"
)

// tokenJSONHelp documents the names of the fields, which do not change.
const tokenJSONHelp = `--json prints an object in one line:
  app_id                the id of the app or client
  kind, token           app, tenant or access, and the token of that kind
  app_access_token      both tokens, which come and end together; null if the
  tenant_access_token     issuer gave no tenant token
  expires_at            when they end, by this host's clock (RFC 3339)
  expires_in_seconds    how long they live
  handed_out_again      true: it was rejected, and the issuer has handed it out
                          again, so that asking once more brings the same; null
                          if Redis does not say`

type tokenObject struct {
	AppID     string             `json:"app_id"`
	Kind      string             `json:"kind"`
	Token     string             `json:"token"`
	App       string             `json:"app_access_token"`
	Tenant    *string            `json:"tenant_access_token"`
	ExpiresAt time.Time          `json:"expires_at"`
	ExpiresIn statusjson.Seconds `json:"expires_in_seconds"`
	Returned  *bool              `json:"handed_out_again"`
}

// printToken writes value, which is the token of the kind, in the one way or the other.
func (s *session) printToken(tok tokencache.Token, kind, value string, asJSON bool, returned *bool) error {
	if !asJSON {
		_, err := fmt.Fprintln(s.app.stdout, value)
		return err
	}
	o := tokenObject{
		AppID: s.appID, Kind: kind, Token: value, App: tok.AppAccessToken(),
		ExpiresAt: tok.Expiry().UTC().Truncate(time.Millisecond), ExpiresIn: statusjson.SecondsOf(time.Until(tok.Expiry())), Returned: returned,
	}
	if tenant := tok.TenantAccessToken(); tenant != "" {
		o.Tenant = &tenant
	}
	raw, err := json.Marshal(o)
	if err != nil {
		panic(err) // strings and numbers
	}
	_, err = io.WriteString(s.app.stdout, statusjson.Printable(string(raw))+"\n")
	return err
}
