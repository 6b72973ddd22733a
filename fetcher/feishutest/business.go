package feishutest

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/onetoken-go/onetoken/fetcher/internal/lookalike"
)

// What business APIs refuse a token with. 99991663 stands twice in the issuer's table: for a tenant
// token that is not valid, and for one that is, at an API that takes none.
// https://open.feishu.cn/document/server-docs/getting-started/server-error-codes
var (
	noToken         = refused{99991661, "Missing access token for authorization"}
	badTenantToken  = refused{99991663, "Invalid access token for authorization"}
	notATenantToken = refused{99991663, "tenant access token not support"}
	badAppToken     = refused{99991664, "invalid app token"}
)

type refused struct {
	code int
	msg  string
}

func (r refused) reply() lookalike.Reply { return refusal(http.StatusBadRequest, r.code, r.msg) }

// respondQuery is a business API: it accepts any valid tenant access token.
func (i *Issuer) respondQuery(r *http.Request) lookalike.Reply {
	pair, rep, ok := i.checkTenant(r)
	if !ok {
		return rep
	}
	return success("ok", map[string]any{"tenant": map[string]string{"name": "A tenant of " + pair.AppID}})
}

// respondMessage is a business API with a body, and answers with what it got.
// Like the real one it looks at the token first. An error means that the body
// did not arrive.
func (i *Issuer) respondMessage(r *http.Request) (lookalike.Reply, error) {
	if _, rep, ok := i.checkTenant(r); !ok {
		return rep, nil
	}
	var message struct {
		Receiver string `json:"receive_id"`
		Type     string `json:"msg_type"`
		Content  string `json:"content"` // JSON within JSON
	}
	good, err := readJSON(r, &message)
	if err != nil {
		return lookalike.Reply{}, err
	}
	if !good || message.Receiver == "" || message.Type == "" || !json.Valid([]byte(message.Content)) {
		return refusal(http.StatusBadRequest, 230001, "Your request contains an invalid request parameter."), nil
	}
	return success("success", map[string]any{
		"message_id": "om_" + lookalike.NewLogID(),
		"msg_type":   message.Type,
		"body":       map[string]string{"content": message.Content},
	}), nil
}

// respondLogin is an API that takes app access tokens alone: it looks up who is behind the code of a
// gadget's login.
// https://open.feishu.cn/document/uYjL24iN/ukjM04SOyQjL5IDN
func (i *Issuer) respondLogin(r *http.Request) (lookalike.Reply, error) {
	token, ok := bearerToken(r)
	if !ok {
		return noToken.reply(), nil
	}
	switch pair := i.validPair(token); {
	case pair.Tenant == token:
		return notATenantToken.reply(), nil
	case pair.App != token:
		return badAppToken.reply(), nil
	}
	var login struct {
		Code string `json:"code"`
	}
	good, err := readJSON(r, &login)
	if err != nil {
		return lookalike.Reply{}, err
	}
	if !good || login.Code == "" {
		return refusal(http.StatusBadRequest, 99992402, "field validation failed: code is required"), nil
	}
	return success("success", map[string]string{"open_id": "ou_" + login.Code, "tenant_key": "test-tenant"}), nil
}

// readJSON reports whether the body is JSON of the shape of v. An error means that it did not arrive.
func readJSON(r *http.Request, v any) (good bool, err error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
	return err == nil && json.Unmarshal(body, v) == nil, err
}

// checkTenant refuses a call without a valid tenant access token, and returns the pair of one that is.
func (i *Issuer) checkTenant(r *http.Request) (pair Pair, rep lookalike.Reply, ok bool) {
	token, ok := bearerToken(r)
	if !ok {
		return Pair{}, noToken.reply(), false
	}
	if pair = i.validPair(token); pair.Tenant != token {
		return Pair{}, badTenantToken.reply(), false
	}
	return pair, lookalike.Reply{}, true
}

func bearerToken(r *http.Request) (token string, ok bool) {
	token, ok = strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return token, ok && token != ""
}

// validPair is the one that token is of, if it is valid; else the zero Pair.
func (i *Issuer) validPair(token string) Pair {
	i.mu.Lock()
	defer i.mu.Unlock()
	p := i.book.Find(token)
	if p.remaining(time.Now()) == 0 {
		return Pair{}
	}
	return *p
}
