package feishutest

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"
)

// respondQuery is a business API: it accepts any valid tenant access token.
func (i *Issuer) respondQuery(r *http.Request) reply {
	if rep, ok := i.checkTenant(r); !ok {
		return rep
	}
	return jsonReply(http.StatusOK, map[string]any{
		"code": 0,
		"msg":  "ok",
		"data": map[string]any{"tenant": map[string]string{"name": "A tenant of " + i.appID}},
	})
}

// respondMessage is a business API with a body, and answers with what it got.
// Like the real one it looks at the token first. An error means that the body
// did not arrive.
func (i *Issuer) respondMessage(r *http.Request) (reply, error) {
	if rep, ok := i.checkTenant(r); !ok {
		return rep, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
	if err != nil {
		return reply{}, err
	}
	var message struct {
		Receiver string `json:"receive_id"`
		Type     string `json:"msg_type"`
		Content  string `json:"content"` // JSON within JSON
	}
	if json.Unmarshal(body, &message) != nil || message.Receiver == "" || message.Type == "" || !json.Valid([]byte(message.Content)) {
		return refusal(http.StatusBadRequest, 230001, "Your request contains an invalid request parameter."), nil
	}
	return jsonReply(http.StatusOK, map[string]any{
		"code": 0,
		"msg":  "success",
		"data": map[string]any{
			"message_id": "om_" + newLogID(),
			"msg_type":   message.Type,
			"body":       map[string]string{"content": message.Content},
		},
	}), nil
}

// checkTenant refuses a call without a valid tenant access token.
func (i *Issuer) checkTenant(r *http.Request) (rep reply, ok bool) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || token == "" {
		return refusal(http.StatusBadRequest, 99991661, "Missing access token for authorization"), false
	}
	if !i.validTenant(token) {
		return refusal(http.StatusBadRequest, 99991663, "Invalid access token for authorization"), false
	}
	return reply{}, true
}

func (i *Issuer) validTenant(token string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	p := i.ledger.byToken[token]
	return p.remaining(time.Now()) > 0 && p.Tenant == token
}
