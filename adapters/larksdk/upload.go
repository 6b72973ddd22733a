package larksdk

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/fetcher/bearer"
)

// isUpload reports whether the SDK has read a file to its end for this request. It has two reasons to
// make a call again, a rejected token and a connection that does not come about. Then it reads anew
// from where the file ended, sends an empty one, and reports success: it may see neither.
func isUpload(req *http.Request) bool {
	return req != nil && strings.HasPrefix(req.Header.Get("Content-Type"), "multipart/")
}

// rejects is bearer.FeishuRejects; in a reply to an upload, which is no file, it sees a rejection
// wherever the SDK sees one: in any JSON with such a code, whatever else it lacks.
func rejects(resp *http.Response) (reason string, rejected bool) {
	if !isUpload(resp.Request) || !strings.Contains(resp.Header.Get("Content-Type"), "application/json") {
		return bearer.FeishuRejects(resp)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", false
	}
	var envelope struct {
		Code int `json:"code"`
	}
	if json.Unmarshal(body, &envelope) != nil || !fetcher.FeishuRejectsToken(envelope.Code) {
		return "", false
	}
	return fmt.Sprintf("code %d", envelope.Code), true
}

// finalIfUpload has an upload without a connection be an error of a type that the SDK does not know.
func finalIfUpload(req *http.Request, err error) error {
	dial, ok := err.(*net.OpError) //nolint:errorlint // the SDK looks at the type just like this
	if ok && dial.Op == "dial" && isUpload(req) {
		return fmt.Errorf("larksdk: no connection, so the upload was not sent: call again with the file from its beginning: %w", err)
	}
	return err
}
