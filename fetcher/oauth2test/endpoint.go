package oauth2test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/onetoken-go/onetoken/fetcher/internal/lookalike"
)

// Paths that an Issuer serves.
const (
	TokenPath      = "/token"
	APIPath        = "/api"
	MetadataPath   = "/.well-known/oauth-authorization-server"
	OpenIDPath     = "/.well-known/openid-configuration"
	KeysPath       = "/jwks"
	RevokePath     = "/_revoke"
	StatsPath      = "/_stats"
	grantType      = "client_credentials"
	maxRequest     = 64 << 10
	basicChallenge = `Basic realm="oauth2test", charset="UTF-8"`
)

// respond answers a request, whether it came through a socket or the RoundTripper. An error means
// that the client has gone.
func (i *Issuer) respond(r *http.Request) (lookalike.Reply, error) {
	if r.URL.Path == APIPath {
		return i.respondAPI(r)
	}
	switch r.Method + " " + r.URL.Path {
	case "POST " + TokenPath:
		return i.respondToken(r)
	case "GET " + MetadataPath:
		return lookalike.JSON(http.StatusOK, i.metadata(r)), nil
	case "GET " + OpenIDPath:
		return lookalike.JSON(http.StatusOK, i.openID(r)), nil
	case "GET " + KeysPath:
		return lookalike.JSON(http.StatusOK, map[string]any{"keys": []string{}}), nil
	case "GET " + StatsPath:
		return lookalike.JSON(http.StatusOK, i.Stats()), nil
	case "POST " + RevokePath:
		return i.respondRevoke(r.URL.Query().Get("client_id")), nil
	}
	if r.URL.Path == TokenPath {
		rep := lookalike.Text(http.StatusMethodNotAllowed, "405 the token endpoint takes POST")
		rep.Header.Set("Allow", http.MethodPost)
		return rep, nil
	}
	return lookalike.Text(http.StatusNotFound, "404 page not found"), nil
}

// respondToken decides after the latency.
func (i *Issuer) respondToken(r *http.Request) (lookalike.Reply, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
	if err != nil {
		return lookalike.Reply{}, err
	}
	req := readRequest(r, string(body))
	call, latency := i.arrive(req)
	i.onRequest()
	return lookalike.Decide(r.Context(), latency, func() lookalike.Reply { return i.decide(req, call) })
}

func (i *Issuer) arrive(req request) (Call, time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	call := Call{
		Arrived: time.Now(), Auth: req.auth,
		Scope: req.form.Get("scope"), Audience: req.form.Get("audience"), Resources: slices.Clone(req.form["resource"]),
	}
	if _, ok := i.clients[req.id]; ok {
		call.ClientID = req.id
	}
	return call, i.latency
}

func (i *Issuer) decide(req request, call Call) lookalike.Reply {
	i.mu.Lock()
	defer i.mu.Unlock()
	fault := i.faults.Take()
	call.Answered, call.Fault = time.Now(), fault.String()
	rep := fault.Spoil(func() lookalike.Reply { return i.answer(req, &call) })
	if !rep.Granted {
		call.Token, call.ExpiresIn = "", 0
	}
	call.Status, call.Error = rep.Status, rep.Error
	i.record(call)
	return rep
}

// answer is the issuer's own, without faults; i.mu is held.
func (i *Issuer) answer(req request, call *Call) lookalike.Reply {
	client, rep, ok := i.authenticate(req)
	if !ok {
		return rep
	}
	wanted, why := client.judge(req)
	if why.code != "" {
		return why.reply()
	}
	t := i.mint(wanted, call.Answered)
	call.Token, call.ExpiresIn, call.Minted = t.Value, i.life, true
	return tokenReply(t, i.life)
}

// authenticate finds the client, or refuses it; i.mu is held.
func (i *Issuer) authenticate(req request) (client Client, rep lookalike.Reply, ok bool) {
	client, known := i.clients[req.id]
	switch {
	case req.fault != "":
		return client, refused{invalidRequest, req.fault}.reply(), false
	case req.auth == "":
		return client, req.unauthenticated("state id and secret by HTTP Basic or in the body"), false
	case !known || req.secret != client.Secret:
		return client, req.unauthenticated("no such client, or another secret; for HTTP Basic both are form-urlencoded first"), false
	case client.Auth != "" && client.Auth != req.auth:
		return client, req.unauthenticated("this client has to use " + string(client.Auth)), false
	}
	return client, lookalike.Reply{}, true
}

// judge returns what the client gets, or why it does not.
func (c Client) judge(req request) (wanted Token, why refused) {
	switch given := req.form.Get("grant_type"); {
	case given == "":
		return Token{}, refused{invalidRequest, "grant_type is missing"}
	case given != grantType:
		return Token{}, refused{unsupportedGrantType, "grant_type has to be " + grantType}
	case c.Unauthorized:
		return Token{}, refused{unauthorizedClient, "this client may not use this grant"}
	}
	scopes, wellFormed := parseScope(req.form.Get("scope"))
	if !wellFormed || !subset(scopes, c.Scopes) {
		return Token{}, refused{invalidScope, "a scope that is malformed, or that this client may not have"}
	}
	if scopes == nil {
		scopes = c.Scopes
	}
	audience, resources := req.form.Get("audience"), req.form["resource"]
	if audience != "" && !subset([]string{audience}, c.Audiences) {
		return Token{}, refused{invalidTarget, "an audience that this client may not name"}
	}
	if !subset(resources, c.Resources) || slices.ContainsFunc(resources, notAResource) {
		return Token{}, refused{invalidTarget, "a resource that is no absolute URI without fragment, or that this client may not name"}
	}
	return Token{ClientID: c.ID, Scope: strings.Join(scopes, " "), Audience: audience, Resources: resources}, refused{}
}

func tokenReply(t *Token, life time.Duration) lookalike.Reply {
	rep := lookalike.JSON(http.StatusOK, struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
		ExpiresIn   int64  `json:"expires_in"`
		Scope       string `json:"scope,omitempty"`
	}{t.Value, "Bearer", int64(life / time.Second), t.Scope})
	forbidStoring(rep.Header)
	rep.Granted = true
	return rep
}

// respondRevoke ends tokens, so that a shell can try a rejection.
func (i *Issuer) respondRevoke(clientID string) lookalike.Reply {
	i.mu.Lock()
	_, known := i.clients[clientID]
	i.mu.Unlock()
	if clientID != "" && !known {
		return lookalike.Text(http.StatusNotFound, "no such client_id: leave it out, or name one that the issuer was given")
	}
	return lookalike.JSON(http.StatusOK, map[string]int{"revoked": i.RevokeAll(clientID)})
}
