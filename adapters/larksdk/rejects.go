package larksdk

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/fetcher/bearer"
)

// rejects is what bearer.FeishuRejects sees, and whatever else the SDK takes as a rejection: lest the
// SDK makes the call again by itself, without another token. The SDK asks for the media type and the
// code, and nothing else. A reply of 200 may be a file that it downloads, whose code the SDK does not
// look at; nothing in the request tells, so that FeishuRejects decides alone there, but for an upload.
func rejects(resp *http.Response) (reason string, rejected bool) {
	mayBeFile := resp.StatusCode < 300 && !isUpload(resp.Request)
	if mayBeFile || !strings.Contains(resp.Header.Get("Content-Type"), "application/json") {
		return bearer.FeishuRejects(resp)
	}
	body, err := io.ReadAll(resp.Body)
	if code := codeOf(body, err == nil); fetcher.FeishuRejectsToken(code) {
		return fmt.Sprintf("code %d", code), true
	}
	strict := *resp
	strict.Body = io.NopCloser(bytes.NewReader(body))
	return bearer.FeishuRejects(&strict)
}

// codeOf is the code of a reply as encoding/json finds it: in any spelling, and the last of several; of
// a body of which only the beginning is there, the last in that. 0 if there is none.
func codeOf(body []byte, isWhole bool) int {
	var envelope struct {
		Code int `json:"code"`
	}
	if isWhole {
		if json.Unmarshal(body, &envelope) != nil {
			return 0
		}
		return envelope.Code
	}
	d := json.NewDecoder(bytes.NewReader(body))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return 0
	}
	code := 0
	for d.More() {
		key, err := d.Token()
		if err != nil {
			break
		}
		var value json.RawMessage
		if d.Decode(&value) != nil {
			break
		}
		if name, ok := key.(string); ok && strings.EqualFold(name, "code") && json.Unmarshal(value, &code) != nil {
			return 0
		}
	}
	return code
}
