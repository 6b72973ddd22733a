package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/internal/doctor"
	"github.com/onetoken-go/onetoken/tokencache"
)

// Kinds of issuer, by the values of ONETOKEN_KIND; the issuer command plays the same.
const (
	kindFeishu = "feishu"
	kindOAuth2 = "oauth2"
)

// variables are the names of those that say whose token is meant, of one kind of issuer.
type variables struct {
	kind            string // of issuer
	id, secret, url string
	request         []string // others that make another credential: what is asked for, and how
	noun, place     string   // for people: whose secret it is, and what url is called
}

var (
	feishuVariables = variables{
		kind: kindFeishu, id: "FEISHU_APP_ID", secret: "FEISHU_APP_SECRET", url: "FEISHU_BASE_URL", noun: "app", place: "base URL",
	}
	oauth2Variables = variables{
		kind: kindOAuth2, id: "OAUTH2_CLIENT_ID", secret: "OAUTH2_CLIENT_SECRET", url: "OAUTH2_TOKEN_URL", noun: "client", place: "token URL",
		request: []string{"OAUTH2_SCOPES", "OAUTH2_AUDIENCE", "OAUTH2_RESOURCE", "OAUTH2_PARAMS", "OAUTH2_AUTH"},
	}
)

// shows says whether an id may be told. Feishu's begin with cli_: what does not may be anything, a
// secret too. Nobody can tell that of other clients' ids, and they are in Redis in the clear.
func (v variables) shows(id string) bool {
	return id != "" && (v.kind != kindFeishu || isAppID(id))
}

// account is the credential that the environment names, of whichever kind of issuer.
type account struct {
	variables
	appID  string
	url    string // where the issuer is
	secret tokencache.Secret
	// fetcher is of a secret, which may be another one; without a transport it takes its own. The logger
	// is told of an address that is not encrypted. Its error is about the secret, once the rest is good,
	// by the fields of a config.
	fetcher func(secret tokencache.Secret, by http.RoundTripper, logger *slog.Logger) (doctor.Fetcher, error)
	// rejects says whether a refusal may be of the secret.
	rejects func(error) bool
}

// account reads the credential, and complains about it.
func (e *environment) account(ctx context.Context) account {
	if e.variables().kind == kindOAuth2 {
		return oauth2Account(e.oauth2(ctx))
	}
	return feishuAccount(e.feishu(ctx, e.getenv(feishuVariables.url)))
}

func feishuAccount(c fetcher.FeishuConfig) account {
	url := c.BaseURL
	if url == "" {
		url = fetcher.FeishuURL
	}
	return account{
		variables: feishuVariables, appID: c.AppID, url: url, secret: c.AppSecret,
		fetcher: func(secret tokencache.Secret, by http.RoundTripper, logger *slog.Logger) (doctor.Fetcher, error) {
			c := c
			c.AppSecret, c.Logger = secret, logger
			if by != nil {
				c.Transport = by
			}
			if err := c.Validate(); err != nil { // whose words have no name of a package
				return nil, err
			}
			return fetcher.NewFeishu(c)
		},
		rejects: func(err error) bool {
			refusal, ok := errors.AsType[*tokencache.IssuerError](err)
			return ok && fetcher.FeishuRejectsSecret(refusal.Code)
		},
	}
}

// variables are those of the kind of issuer that is asked for.
func (e *environment) variables() variables {
	if e.getenv("ONETOKEN_KIND") == kindOAuth2 {
		return oauth2Variables
	}
	return feishuVariables
}

// checkKind complains of a kind that there is not, and of one that was forgotten.
func (e *environment) checkKind() {
	switch e.getenv("ONETOKEN_KIND") {
	case kindFeishu, kindOAuth2:
	case "":
		if e.getenv(oauth2Variables.id) != "" && e.getenv(feishuVariables.id) == "" {
			e.complain("OAUTH2_CLIENT_ID is set, and ONETOKEN_KIND is not: set it to oauth2")
		}
	default:
		e.complain("ONETOKEN_KIND is neither feishu nor oauth2")
	}
}
