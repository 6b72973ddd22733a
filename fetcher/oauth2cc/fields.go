package oauth2cc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/onetoken-go/onetoken/fetcher/internal/call"
)

// fields are those of an answer that count, as they stand there.
type fields map[string]json.RawMessage

// known names the fields that are read: of RFC 6749, sections 5.1 and 5.2, and those of errors in a form
// of their own, for which see forms.
var known = []string{
	"access_token", "token_type", "expires_in", "error", "error_description",
	"message", "errorCode", "errorSummary", "ErrorCode", "Error", "fault",
}

// read returns what can be read of a text, and what is wrong with it, in words that do not quote it.
// Names are those of the standard to the letter: encoding/json would take Access_Token as well, and of
// two fields of a name the last. Two of them are as good as none, as others may believe the first.
func read(text []byte) (r fields, trouble string) {
	d := json.NewDecoder(bytes.NewReader(text))
	begin, err := d.Token()
	switch {
	case err != nil:
		return nil, call.NotJSON(text)
	case begin != json.Delim('{'):
		return nil, notObject(text)
	}
	r = fields{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, call.NotJSON(text)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, call.NotJSON(text)
		}
		key, _ := name.(string)
		if !slices.Contains(known, key) {
			continue
		}
		if _, twice := r[key]; twice {
			return nil, "JSON that has " + key + " twice"
		}
		r[key] = value
	}
	if _, err := d.Token(); err != nil { // the end of the object
		return nil, call.NotJSON(text)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, call.NotJSON(text)
	}
	return r, ""
}

// notObject tells a value of another kind from what only begins like one.
func notObject(text []byte) string {
	if json.Valid(text) {
		return "JSON, but not an object"
	}
	return call.NotJSON(text)
}

// lacks reports whether a field is missing, or null, which is the same.
func (r fields) lacks(name string) bool {
	raw, ok := r[name]
	return !ok || string(raw) == "null"
}

// text returns a field that is a string; ok is false if it is something else. Missing is "".
func (r fields) text(name string) (value string, ok bool) {
	if r.lacks(name) {
		return "", true
	}
	if err := json.Unmarshal(r[name], &value); err != nil {
		return "", false
	}
	return value, true
}

// wrongType is what is wrong with a field that is of another type than it should be.
func wrongType(name string) string {
	return fmt.Sprintf("JSON of another shape: %s is of a wrong type or out of range", name)
}
