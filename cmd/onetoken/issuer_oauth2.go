package main

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/spf13/pflag"

	"github.com/onetoken-go/onetoken/fetcher/oauth2test"
)

// oauth2Issuer has the flags of --kind oauth2.
type oauth2Issuer struct {
	scopes, audiences string
	auth              choice
	noExpiresIn       bool
}

var errBadScope = errors.New("--scopes has what no scope may have: printable ASCII without quote and backslash, and spaces between")

// authMethods are the values of --auth.
var authMethods = map[string]oauth2test.AuthMethod{"any": "", "basic": oauth2test.AuthBasic, "body": oauth2test.AuthBody}

func (f *oauth2Issuer) flags() *pflag.FlagSet {
	f.auth = choice{value: "any", of: []string{"any", "basic", "body"}}
	flags := pflag.NewFlagSet(kindOAuth2, pflag.ContinueOnError)
	flags.StringVar(&f.scopes, "scopes", "", "oauth2: what the client may have, with spaces between; who asks for none gets all (empty: any)")
	flags.StringVar(&f.audiences, "audiences", "", "oauth2: audiences that the client may name, with spaces between (empty: any)")
	flags.Var(&f.auth, "auth", "oauth2: how the client has to state id and secret: "+f.auth.options())
	flags.BoolVar(&f.noExpiresIn, "no-expires-in", false, "oauth2: say nothing of the life, as some issuers do")
	return flags
}

// play reads the credential, and complains about it and the flags.
func (f *oauth2Issuer) play(ctx context.Context, env *environment, o issuerOptions) (played, error) {
	const id, secret = "OAUTH2_CLIENT_ID", "OAUTH2_CLIENT_SECRET"
	c := oauth2test.Config{Life: o.life, Latency: o.latency, Clients: []oauth2test.Client{{
		ID: env.getenv(id), Auth: authMethods[f.auth.value], Scopes: words(f.scopes), Audiences: words(f.audiences),
	}}}
	if c.Clients[0].ID == "" {
		env.complain("%s is not set: any will do, e.g. %s=try", id, id)
	}
	value, ok := env.orFile(ctx, secret)
	if ok && value == "" {
		env.complain("%s is not set: any will do, e.g. %s=try-secret", secret, secret)
	}
	c.Clients[0].Secret = value
	return played{start: func() http.Handler { return f.issuer(c) }}, f.validate()
}

func (f *oauth2Issuer) validate() error {
	// The client of the environment has been judged: what is left to complain of is a scope.
	err := oauth2test.Config{Clients: []oauth2test.Client{{ID: "stand-in", Scopes: words(f.scopes)}}}.Validate()
	if err != nil {
		return errBadScope
	}
	return nil
}

func (f *oauth2Issuer) issuer(c oauth2test.Config) http.Handler {
	issuer := oauth2test.New(c)
	if f.noExpiresIn {
		issuer.SetFault(oauth2test.NoExpiresIn())
	}
	return issuer
}

// words is nil where there are none.
func words(s string) []string {
	if all := strings.Fields(s); len(all) > 0 {
		return all
	}
	return nil
}
