package oauth2test

import (
	"mime"
	"net/http"
	"net/url"
)

// request of a token, as it was read.
type request struct {
	auth       AuthMethod // "" if it states no id and secret
	id, secret string
	header     bool       // it came with an Authorization header
	form       url.Values // without parameters that have no value
	fault      string     // what makes it no proper request; "" for nothing
}

// readRequest judges nothing but what the protocol forbids to all (RFC 6749 2.3.1, 3.2, 4.4.2).
func readRequest(r *http.Request, body string) request {
	form, err := url.ParseQuery(body)
	media, _, mediaErr := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case mediaErr != nil || media != "application/x-www-form-urlencoded":
		return request{fault: "the body has to be application/x-www-form-urlencoded"}
	case err != nil:
		return request{fault: "the body is malformed"}
	}
	req := request{form: url.Values{}, header: r.Header.Get("Authorization") != ""}
	for name, values := range form {
		if name != "resource" && len(values) > 1 {
			req.fault = "a parameter stands there twice"
		}
		for _, value := range values {
			if value != "" {
				req.form.Add(name, value)
			}
		}
	}
	if r.URL.RawQuery != "" {
		req.fault = "parameters belong into the body, not into the URL"
	}
	req.authenticate(r)
	return req
}

// authenticate reads id and secret. What it cannot read is as if it was not there.
func (req *request) authenticate(r *http.Request) {
	id, secret := req.form.Get("client_id"), req.form.Get("client_secret")
	if !req.header {
		if id != "" && secret != "" {
			req.auth, req.id, req.secret = AuthBody, id, secret
		}
		return
	}
	if secret != "" {
		req.fault = "id and secret are stated in two ways: use one"
		return
	}
	user, password, ok := r.BasicAuth()
	if !ok {
		return
	}
	user, err := url.QueryUnescape(user)
	password, err2 := url.QueryUnescape(password)
	if err != nil || err2 != nil {
		return
	}
	if id != "" && id != user {
		req.fault = "the client_id in the body is another than that of the Authorization header"
		return
	}
	req.auth, req.id, req.secret = AuthBasic, user, password
}

// notAResource reports whether s is none of RFC 8707: an absolute URI without a fragment.
func notAResource(s string) bool {
	u, err := url.Parse(s)
	return err != nil || !u.IsAbs() || u.Fragment != ""
}
