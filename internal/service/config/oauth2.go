package config

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/onetoken-go/onetoken/fetcher/oauth2cc"
	"github.com/onetoken-go/onetoken/tokencache"
)

// oauth2 fills in what a client has.
func (r *reader) oauth2(ctx context.Context, s section, c *Credential, l lives, w way) {
	url := r.need(s, "token_url", "it is the server's token endpoint, such as https://login.example.com/oauth2/token")
	id := r.need(s, "client_id", "it is what the server calls this client")
	secret := r.secret(ctx, s, "client_secret", "the client's secret")
	scopes := r.words(s.get("scopes"), "[read]")
	resources := r.words(s.get("resource"), "[https://api.example.com]")
	config := oauth2cc.Config{
		ClientSecret: secret.secret(), Auth: r.auth(s.get("auth")), Scopes: texts(scopes), Resources: texts(resources),
		Params: r.params(s.get("params")), Life: l.own, MaxLife: l.max, Window: l.window, Transport: w.tokens,
		Logger: slog.New(slog.DiscardHandler), // it would tell at each reading what a warning tells
	}
	config.TokenURL, _ = r.text(url)
	config.ClientID, _ = r.text(id)
	config.Audience, _ = r.text(s.get("audience"))
	r.relay(config.Validate(), s.value, oauth2Routes(s, secret.value, scopes, resources))
	f, err := oauth2cc.New(config)
	if err != nil {
		r.complainOfRest(s, err, config.Validate())
		return
	}
	c.ID, c.URL, c.Fetcher, c.RejectsSecret = config.ClientID, f.TokenURL(), f, oauth2cc.RejectsSecret
	c.Purpose, c.auth = purposeOf(c.Kind, config), config.Auth.String()
	c.Knock = func(wrap func(http.RoundTripper) http.RoundTripper) (Fetcher, error) {
		knocking := config
		knocking.ClientSecret, knocking.Transport = noSecret, wrap(w.tokens)
		return oauth2cc.New(knocking)
	}
}

// purposeOf heeds what the credential's ID heeds, but for the secret: order makes no difference.
func purposeOf(kind string, c oauth2cc.Config) string {
	parts := []string{kind, c.TokenURL, c.ClientID, c.Audience}
	for _, list := range [][]string{c.Scopes, c.Resources} {
		own := slices.Compact(slices.Sorted(slices.Values(list)))
		parts = append(append(parts, strconv.Itoa(len(own))), own...)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Params)) {
		parts = append(parts, name, c.Params[name])
	}
	return digestOf(parts...)
}

// oauth2Routes are of every field that Validate names, but Params: see alone.
func oauth2Routes(s section, secret value, scopes, resources []word) []route {
	return append(append(byItem("Scopes", scopes), byItem("Resources", resources)...), []route{
		{field: "Scopes, Audience, Resources and Params", to: s.value, words: "scopes, audience, resource and params "},
		{field: "Resources and Params", to: s.value, words: "resource and params "},
		{field: "Scopes of", to: s.get("scopes"), words: "has scopes of "},
		{field: "Audience", to: s.get("audience")},
		{field: "TokenURL", to: s.get("token_url")},
		{field: "ClientID", to: s.get("client_id")},
		{field: "ClientSecret", to: secret},
		{field: "a Window of", to: s.get("window"), bound: true},
		{field: "a MaxLife of", to: s.get("max_life"), bound: true},
		{field: "a Life of", to: s.get("life"), bound: true},
	}...)
}

// byItem routes complaints of the items of a list to where these stand.
func byItem(field string, words []word) []route {
	all := make([]route, len(words))
	for i, w := range words {
		all[i] = route{field: fmt.Sprintf("%s[%d]", field, i), to: w.value}
	}
	return all
}

func (r *reader) auth(v value) oauth2cc.Auth {
	if r.choice(v, "basic", "body") == "body" {
		return oauth2cc.Body
	}
	return oauth2cc.Basic
}

// params are pairs of any names. Their complaints have no names, which may be secrets, but the place.
func (r *reader) params(v value) map[string]string {
	if !r.checkGiven(v) {
		return nil
	}
	if v.node.Kind != yaml.MappingNode {
		r.complain(v, "has to be keys with values, such as {tenant: \"7\"}, and not "+kindName(v.node))
		return nil
	}
	all := map[string]string{}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		r.param(v, v.node.Content[i], v.node.Content[i+1], all)
	}
	return all
}

// param adds one that is good by itself.
func (r *reader) param(v value, key, node *yaml.Node, all map[string]string) {
	at := value{path: v.path, line: key.Line, column: key.Column, node: node}
	if key.Kind != yaml.ScalarNode || key.Tag != "!!str" {
		r.complain(at, "has a name that is no text: put it in quotes")
		return
	}
	text, ok := r.anyText(at)
	if !ok {
		return
	}
	_, repeated := all[key.Value]
	complaints := each(alone(key.Value, text).Validate())
	switch {
	case repeated:
		r.complain(at, "has a name twice: keep one")
	case len(complaints) > 0:
		r.complain(at, paramWords.Replace(complaints[0].Error()))
	default:
		all[key.Value] = text
	}
}

// alone is a good config but for the pair.
func alone(name, value string) oauth2cc.Config {
	return oauth2cc.Config{
		TokenURL: "https://login.example.com/oauth2/token", ClientID: "any", ClientSecret: tokencache.NewSecret("any secret"),
		Params: map[string]string{name: value},
	}
}

// paramWords are of a person who knows no fields of Go.
var paramWords = strings.NewReplacer(
	"Params has ", "has ", "Params repeats ", "repeats ", "a value of Params: ", "has a value of which ", "a value of Params ", "has a value that ",
	"use the field of Config for it", "use its own key for it",
	"a client shows here who it is by ClientSecret alone", "a client shows here who it is by its client secret alone",
	"all but ClientSecret may be seen by anybody. For a server that wants one more, implement tokencache.Fetcher",
	"all but the client secret may be seen by anybody, and a server that wants one more is none for this kind",
)
