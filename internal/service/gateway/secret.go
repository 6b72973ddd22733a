package gateway

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"

	"github.com/onetoken-go/onetoken/internal/service/clients"
)

// secretBody is an endpoint of the API's that wants the app's id and secret in its body. The client sends its own
// secret there, and the gateway puts the app's in its place.
type secretBody struct {
	path       string
	id, secret string // the names in the body
	may        clients.Permission
	permission string
	refusedBy  int      // the status of the refusal of who may not
	wrong      *refusal // of a secret that is no client's, or of an app that is not granted
}

var (
	// longConnection hands out where the events of an app come, with a ticket: a way past the gateway. The code of a wrong
	// secret is what users of the real one have reported, and SDKs give up at it.
	longConnection = secretBody{
		path: "/callback/ws/endpoint", id: "AppID", secret: "AppSecret", may: clients.WS, permission: "ws", refusedBy: http.StatusOK,
		wrong: &refusal{status: http.StatusOK, code: 1000040345, msg: "app_id or app_secret is invalid" + atThisGateway, why: "wrong secret or app"},
	}
	// appTicket is for apps of the store; of a self-built one it is refused by the API.
	appTicket = secretBody{
		path: "/open-apis/auth/v3/app_ticket/resend", id: "app_id", secret: "app_secret", may: clients.WS, permission: "ws", refusedBy: http.StatusForbidden,
		wrong: wrongSecret,
	}
	// signIn gives tokens of a user's.
	signIn = secretBody{
		path: "/open-apis/authen/v2/oauth/token", id: "client_id", secret: "client_secret", may: clients.UserLogin, permission: "user_login", refusedBy: http.StatusForbidden,
		wrong: &refusal{status: http.StatusBadRequest, code: 20002, msg: "The client secret is invalid" + atThisGateway, why: "wrong secret or app", oauth: "invalid_client"},
	}
)

func (b secretBody) serve(v *visit) *refusal {
	if v.r.Method != http.MethodPost {
		return wrongMethod(http.MethodPost)
	}
	raw, ok := v.readBody()
	if !ok {
		return unreadable
	}
	fields, ok := readFields(v.r.Header.Get("Content-Type"), raw)
	if !ok {
		return unreadable
	}
	id, hasID := fields.get(b.id)
	secret, hasSecret := fields.get(b.secret)
	if !hasID || !hasSecret {
		return unreadable
	}
	who, no := v.identify(secret, b.wrong)
	if no != nil {
		return no
	}
	name, app, ok := v.appOf(who, id)
	if !ok {
		return b.wrong
	}
	if !who.May(name, b.may) {
		return mayNot(b.permission, b.refusedBy)
	}
	fields.set(b.id, app.ID)
	fields.set(b.secret, app.Secret.Reveal())
	v.r = b.request(v.r, fields.encode())
	return v.forward(app)
}

// request is that of the client with another body, to the one spelling of the path.
func (b secretBody) request(r *http.Request, body []byte) *http.Request {
	to := r.Clone(r.Context())
	to.URL.Path, to.URL.RawPath = b.path, ""
	to.Header.Del("Authorization")
	to.Body, to.ContentLength, to.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
	return to
}

// fields of a body, which are sent on as they are but for those that are set.
type fields interface {
	// get is not ok of a field that is not there, twice, or no text.
	get(name string) (value string, ok bool)
	set(name, value string)
	encode() []byte
}

// readFields reads a JSON object, or the form of an OAuth request.
func readFields(contentType string, body []byte) (fields, bool) {
	media, _, _ := mime.ParseMediaType(contentType)
	if media == "application/x-www-form-urlencoded" {
		values, err := url.ParseQuery(string(body))
		return formFields(values), err == nil
	}
	return readObject(body)
}

// readObject is not ok of an object that has a name twice, which two servers would read in two ways.
func readObject(body []byte) (jsonFields, bool) {
	d := json.NewDecoder(bytes.NewReader(body))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return nil, false
	}
	object := jsonFields{}
	for d.More() {
		key, err := d.Token()
		name, isName := key.(string)
		var value json.RawMessage
		if err != nil || !isName || d.Decode(&value) != nil {
			return nil, false
		}
		if _, twice := object[name]; twice {
			return nil, false
		}
		object[name] = value
	}
	if _, err := d.Token(); err != nil {
		return nil, false
	}
	_, err := d.Token()
	return object, err == io.EOF
}

type formFields url.Values

func (f formFields) get(name string) (string, bool) {
	if len(f[name]) != 1 {
		return "", false
	}
	return f[name][0], true
}

func (f formFields) set(name, value string) { f[name] = []string{value} }

func (f formFields) encode() []byte { return []byte(url.Values(f).Encode()) }

type jsonFields map[string]json.RawMessage

func (f jsonFields) get(name string) (value string, ok bool) {
	raw, ok := f[name]
	if !ok || raw[0] != '"' || json.Unmarshal(raw, &value) != nil {
		return "", false
	}
	return value, true
}

func (f jsonFields) set(name, value string) { f[name], _ = json.Marshal(value) }

func (f jsonFields) encode() []byte {
	text, _ := json.Marshal(f)
	return text
}
