package door

import (
	"net/http"
	"net/url"
)

// form is what a token request says (RFC 6749, section 4.4.2). What has no value is as if it was not
// there (section 3.2).
type form struct{ id, secret, grantType, scope string }

// readForm reads the body and judges what nobody may send.
func (v *visit) readForm() (form, *refusal) {
	body, no := v.body("application/x-www-form-urlencoded")
	if no != nil {
		return form{}, no
	}
	if v.r.URL.RawQuery != "" {
		return form{}, badRequest("parameters belong into the body, not into the URL")
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return form{}, badRequest("the body is malformed: it has to be form-urlencoded")
	}
	for _, all := range values {
		if len(all) > 1 {
			return form{}, badRequest("a parameter stands there twice")
		}
	}
	f := form{
		id: values.Get("client_id"), secret: values.Get("client_secret"),
		grantType: values.Get("grant_type"), scope: values.Get("scope"),
	}
	if f.secret != "" && len(v.r.Header["Authorization"]) > 0 {
		return form{}, badRequest("the client states its secret twice: by HTTP Basic or in the body, not both")
	}
	return f, nil
}

// judge says what is wrong with the grant.
func (f form) judge() *refusal {
	switch f.grantType {
	case "client_credentials":
		return nil
	case "":
		return badRequest("grant_type is missing: it has to be client_credentials")
	}
	return &refusal{status: http.StatusBadRequest, code: unsupportedGrantType,
		description: "grant_type has to be client_credentials"}
}
