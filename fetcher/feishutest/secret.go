package feishutest

import (
	"encoding/json"
	"io"
	"net/http"

	"github.com/onetoken-go/onetoken/fetcher/internal/lookalike"
)

// ConnectionURL begins the address of every long connection that [ConnectPath] hands out. It leads
// nowhere: no name below .invalid ever resolves (RFC 2606).
const ConnectionURL = "wss://feishu.invalid/ws/v2"

// respondConnect tells where an app may open a long connection for its events, by a ticket in the
// address. What it refuses has an object for data, as the SDK for Node wants one to find the code; and
// codes of its own, which that SDK's users report.
// https://github.com/larksuite/oapi-sdk-go/blob/v3_main/ws/client.go
func (i *Issuer) respondConnect(r *http.Request) (lookalike.Reply, error) {
	var body struct{ AppID, AppSecret string }
	good, err := readJSON(r, &body)
	if err != nil {
		return lookalike.Reply{}, err
	}
	secret, known := i.secretOf(body.AppID)
	switch {
	case !good || !known:
		return notConnected(1000040346, "app_id is invalid"), nil
	case body.AppSecret != secret:
		return notConnected(1000040345, "app_id or app_secret is invalid"), nil
	}
	id := lookalike.NewLogID()
	return success("ok", map[string]any{
		"URL":          ConnectionURL + "?device_id=" + id + "&service_id=1&ticket=" + lookalike.NewLogID(),
		"ClientConfig": map[string]int{"ReconnectCount": -1, "ReconnectInterval": 120, "ReconnectNonce": 30, "PingInterval": 120},
	}), nil
}

func notConnected(code int, msg string) lookalike.Reply {
	rep := lookalike.JSON(http.StatusOK, map[string]any{"code": code, "msg": msg, "data": struct{}{}})
	rep.Code = code
	return rep
}

// secretOf reports whether there is such an app.
func (i *Issuer) secretOf(id string) (secret string, known bool) {
	app := i.apps[id]
	if app == nil {
		return "", false
	}
	return app.Secret(), true
}

// respondResend refuses: apps of an Issuer are self-built, and those have no tickets.
// https://open.feishu.cn/document/ukTMukTMukTM/ukDNz4SO0MjL5QzM/auth-v3/auth/app_ticket_resend
func (i *Issuer) respondResend(r *http.Request) (lookalike.Reply, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
	if err != nil {
		return lookalike.Reply{}, err
	}
	req := request{contentType: r.Header.Get("Content-Type")}
	req.unread = json.Unmarshal(body, &req.credentials) != nil
	i.mu.Lock()
	defer i.mu.Unlock()
	if rep, ok := i.apps[req.credentials.AppID].check(req); !ok {
		return rep, nil
	}
	return refusal(http.StatusOK, 10016, "app is not a store app"), nil
}
