package feishutest

import (
	"context"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
)

// Paths that an Issuer serves.
const (
	TokenPath    = "/open-apis/auth/v3/app_access_token/internal"
	QueryPath    = "/open-apis/tenant/v2/tenant/query"
	MessagesPath = "/open-apis/im/v1/messages"
	StatsPath    = "/_stats"
)

const maxRequest = 64 << 10

// respond answers a request, whether it came through a socket or the RoundTripper. An error means
// that the client has gone.
func (i *Issuer) respond(r *http.Request) (reply, error) {
	switch r.Method + " " + r.URL.Path {
	case "POST " + TokenPath:
		return i.respondToken(r)
	case "GET " + QueryPath:
		return i.respondQuery(r), nil
	case "POST " + MessagesPath:
		return i.respondMessage(r)
	case "GET " + StatsPath:
		return jsonReply(http.StatusOK, i.Stats()), nil
	}
	return textReply(http.StatusNotFound, "404 page not found"), nil
}

// request of a token, and when it came.
type request struct {
	contentType string
	body        []byte
	call        Call
}

// respondToken waits for the latency and then decides. A timer decides, whether or not the client
// is still there.
func (i *Issuer) respondToken(r *http.Request) (reply, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
	if err != nil {
		return reply{}, err
	}
	call, latency := i.arrive()
	req := request{contentType: r.Header.Get("Content-Type"), body: body, call: call}
	i.onRequest()
	if latency <= 0 {
		return i.decide(req), nil
	}
	decided := make(chan reply, 1)
	time.AfterFunc(latency, func() { decided <- i.decide(req) })
	return await(r.Context(), decided)
}

func await(ctx context.Context, decided <-chan reply) (reply, error) {
	select {
	case rep := <-decided:
		return rep, nil
	case <-ctx.Done():
		return reply{}, ctx.Err()
	}
}

func (i *Issuer) arrive() (Call, time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	now := time.Now()
	return Call{Arrived: now, Remaining: i.ledger.current.remaining(now)}, i.latency
}

func (i *Issuer) decide(req request) reply {
	i.mu.Lock()
	defer i.mu.Unlock()
	call, fault := req.call, i.takeFault()
	call.Answered, call.Fault = time.Now(), fault.String()
	rep := fault.spoil(func() reply { return i.answer(req, &call) })
	if !rep.granted {
		call.App, call.Expire = "", 0
	}
	call.Code = rep.code
	i.record(call)
	return rep
}

// answer is the issuer's own, without faults; i.mu is held.
func (i *Issuer) answer(req request, call *Call) reply {
	if rep, ok := i.check(req); !ok {
		return rep
	}
	p := i.ledger.current
	if i.ledger.due(call.Answered) {
		p = i.mint(call.Answered)
		call.Minted = true
	}
	seconds := wholeSeconds(p, call.Answered)
	call.App, call.Expire = p.App, time.Duration(seconds)*time.Second
	return tokenReply(p, seconds)
}

// check refuses what the real issuer refuses, with its codes; i.mu is held.
func (i *Issuer) check(req request) (rep reply, ok bool) {
	var credentials struct {
		AppID     string `json:"app_id"`
		AppSecret string `json:"app_secret"`
	}
	switch {
	case !isJSON(req.contentType):
		return refusal(http.StatusOK, 10003, "invalid param: content type"), false
	case json.Unmarshal(req.body, &credentials) != nil:
		return refusal(http.StatusOK, 10003, "invalid param: body"), false
	case credentials.AppID != i.appID:
		return refusal(http.StatusOK, 10003, "invalid param"), false
	case credentials.AppSecret != i.appSecret:
		return refusal(http.StatusOK, 10014, "app secret invalid"), false
	}
	return reply{}, true
}

func isJSON(contentType string) bool {
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil || media != "application/json" {
		return false
	}
	charset, given := params["charset"]
	return !given || strings.EqualFold(charset, "utf-8")
}
