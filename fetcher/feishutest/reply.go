package feishutest

import (
	"net/http"

	"github.com/onetoken-go/onetoken/fetcher/internal/lookalike"
)

// answerer makes an endpoint's answer of a pair, and records what it handed out.
type answerer func(p *Pair, seconds int, call *Call) lookalike.Reply

// tokenReply has its fields in the order of the issuer's documentation.
func tokenReply(p *Pair, seconds int, call *Call) lookalike.Reply {
	call.App, call.Tenant = p.App, p.Tenant
	rep := lookalike.JSON(http.StatusOK, struct {
		App    string `json:"app_access_token"`
		Code   int    `json:"code"`
		Expire int    `json:"expire"`
		Msg    string `json:"msg"`
		Tenant string `json:"tenant_access_token"`
	}{p.App, 0, seconds, "ok", p.Tenant})
	rep.Granted = true
	return rep
}

// tenantReply has no app access token.
func tenantReply(p *Pair, seconds int, call *Call) lookalike.Reply {
	call.Tenant = p.Tenant
	rep := lookalike.JSON(http.StatusOK, struct {
		Code   int    `json:"code"`
		Msg    string `json:"msg"`
		Tenant string `json:"tenant_access_token"`
		Expire int    `json:"expire"`
	}{0, "ok", p.Tenant, seconds})
	rep.Granted = true
	return rep
}

func refusal(status, code int, msg string) lookalike.Reply {
	rep := lookalike.JSON(status, struct {
		Code int    `json:"code"`
		Msg  string `json:"msg"`
	}{code, msg})
	rep.Code = code
	return rep
}

// success is a business API's.
func success(msg string, data any) lookalike.Reply {
	return lookalike.JSON(http.StatusOK, map[string]any{"code": 0, "msg": msg, "data": data})
}
