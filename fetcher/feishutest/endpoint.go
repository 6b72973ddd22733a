package feishutest

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/onetoken-go/onetoken/fetcher/internal/lookalike"
)

// Paths that an Issuer serves.
const (
	TokenPath       = "/open-apis/auth/v3/app_access_token/internal"
	TenantTokenPath = "/open-apis/auth/v3/tenant_access_token/internal"
	QueryPath       = "/open-apis/tenant/v2/tenant/query"
	MessagesPath    = "/open-apis/im/v1/messages"
	FilesPath       = "/open-apis/im/v1/files"
	LoginPath       = "/open-apis/mina/v2/tokenLoginValidate"
	SignInPath      = "/open-apis/authen/v2/oauth/token"
	UserInfoPath    = "/open-apis/authen/v1/user_info"
	ConnectPath     = "/callback/ws/endpoint"
	ResendPath      = "/open-apis/auth/v3/app_ticket/resend"
	StatsPath       = "/_stats"
	RevokePath      = "/_revoke"
)

const maxRequest = 64 << 10

// respond answers a request, whether it came through a socket or the RoundTripper. An error means
// that the client has gone.
func (i *Issuer) respond(r *http.Request) (lookalike.Reply, error) {
	switch r.Method + " " + r.URL.Path {
	case "POST " + TokenPath:
		return i.respondToken(r, tokenReply)
	case "POST " + TenantTokenPath:
		return i.respondToken(r, tenantReply)
	case "GET " + QueryPath:
		return i.respondQuery(r), nil
	case "POST " + MessagesPath:
		return i.respondMessage(r)
	case "POST " + FilesPath:
		return i.respondFile(r)
	case "POST " + LoginPath:
		return i.respondLogin(r)
	case "POST " + SignInPath:
		return i.respondSignIn(r)
	case "GET " + UserInfoPath:
		return i.respondUser(r), nil
	case "POST " + ConnectPath:
		return i.respondConnect(r)
	case "POST " + ResendPath:
		return i.respondResend(r)
	case "GET " + StatsPath:
		return lookalike.JSON(http.StatusOK, i.Stats()), nil
	case "POST " + RevokePath:
		return i.respondRevoke(r.URL.Query().Get("app_id")), nil
	}
	if key, ok := strings.CutPrefix(r.URL.Path, FilesPath+"/"); ok && r.Method == http.MethodGet {
		return i.respondDownload(r, key), nil
	}
	return lookalike.Text(http.StatusNotFound, "404 page not found"), nil
}

// request of a token, and when it came.
type request struct {
	contentType string
	credentials credentials
	unread      bool // the body is none
	reply       answerer
	call        Call
}

type credentials struct {
	AppID     string `json:"app_id"`
	AppSecret string `json:"app_secret"`
}

// respondToken decides after the latency.
func (i *Issuer) respondToken(r *http.Request, reply answerer) (lookalike.Reply, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
	if err != nil {
		return lookalike.Reply{}, err
	}
	req := request{contentType: r.Header.Get("Content-Type"), reply: reply}
	req.unread = json.Unmarshal(body, &req.credentials) != nil
	latency := i.arrive(&req)
	i.onRequest()
	return lookalike.Decide(r.Context(), latency, func() lookalike.Reply { return i.decide(req) })
}

func (i *Issuer) arrive(req *request) (latency time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	req.call.Arrived = time.Now()
	if app := i.apps[req.credentials.AppID]; app != nil {
		req.call.AppID, req.call.Remaining = app.id, app.ledger.current.remaining(req.call.Arrived)
	}
	return i.latency
}

func (i *Issuer) decide(req request) lookalike.Reply {
	i.mu.Lock()
	defer i.mu.Unlock()
	app := i.apps[req.credentials.AppID]
	fault := i.faults.Take()
	if fault.String() == "" && app != nil {
		fault = app.faults.Take()
	}
	call := req.call
	call.Answered, call.Fault = time.Now(), fault.String()
	rep := fault.Spoil(func() lookalike.Reply { return app.answer(req, &call) })
	if !rep.Granted {
		call.App, call.Tenant, call.Expire = "", "", 0
	}
	call.Code = rep.Code
	i.journal.Add(call)
	i.stats.add(call)
	if app != nil {
		app.stats.add(call)
	}
	return rep
}

// answer is the issuer's own, without faults; the issuer's mutex is held. a is nil for an id that there
// is not.
func (a *App) answer(req request, call *Call) lookalike.Reply {
	if rep, ok := a.check(req); !ok {
		return rep
	}
	p := a.ledger.current
	if a.ledger.due(call.Answered) {
		p = a.mint(call.Answered)
		call.Minted = true
	}
	seconds := wholeSeconds(p, call.Answered)
	call.Expire = time.Duration(seconds) * time.Second
	return req.reply(p, seconds, call)
}

// check refuses what the real issuer refuses, with its codes; the issuer's mutex is held.
func (a *App) check(req request) (rep lookalike.Reply, ok bool) {
	switch {
	case !isJSON(req.contentType):
		return refusal(http.StatusOK, 10003, "invalid param: content type"), false
	case req.unread:
		return refusal(http.StatusOK, 10003, "invalid param: body"), false
	case a == nil:
		return refusal(http.StatusOK, 10003, "invalid param"), false
	case req.credentials.AppSecret != a.secret:
		return refusal(http.StatusOK, 10014, "app secret invalid"), false
	}
	return lookalike.Reply{}, true
}

func isJSON(contentType string) bool {
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil || media != "application/json" {
		return false
	}
	charset, given := params["charset"]
	return !given || strings.EqualFold(charset, "utf-8")
}

// respondRevoke ends the pair in force of an app, or with no id of all, so that a shell can try a
// rejection.
func (i *Issuer) respondRevoke(id string) lookalike.Reply {
	if id != "" && i.apps[id] == nil {
		return lookalike.Text(http.StatusNotFound, "no such app_id: leave it out, or name one that the issuer was given")
	}
	revoked := 0
	for _, app := range i.apps {
		if (id == "" || app.id == id) && app.Revoke() {
			revoked++
		}
	}
	return lookalike.JSON(http.StatusOK, map[string]int{"revoked": revoked})
}
