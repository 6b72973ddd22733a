package bearer

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/onetoken-go/onetoken/fetcher"
)

// Rejects tells by a reply whether the API has rejected the token, so that another one may help,
// and why: in a few words without a secret, which stand in a RejectedError. It must not be sure too
// easily: what it takes as a rejection costs the fleet a token. And the API must reject a token
// before it does anything else, as the request is sent once more.
//
// It may look at the status, the header, and up to 16 KiB of the body, after which there is an
// error. What it reads the caller gets as well. It reads no more than it needs, lest it holds up a
// long reply; the body ends with the request's context. It closes nothing and keeps nothing, and is
// called by many at once.
//
// Ready are FeishuRejects, RFC6750Rejects, WeChatRejects and UnauthorizedRejects.
type Rejects func(resp *http.Response) (reason string, rejected bool)

// FeishuRejects is the zero value of Config.Rejects: see Rejections in the package's description.
// The reason it gives is the code, such as "code 99991663".
func FeishuRejects(resp *http.Response) (reason string, rejected bool) {
	if !mayHold(resp, "application/json") {
		return "", false
	}
	if isSignIn(resp.Request) {
		return signInReply.rejection(resp.Body)
	}
	return feishuReply.rejection(resp.Body)
}

// signInPaths are of the two APIs for a user's sign-in that have codes of their own for an app or tenant
// access token that is not valid.
//
// Source: https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/reference/authen-v1/oidc-access_token/create
// and .../oidc-refresh_access_token/create.
var signInPaths = []string{"/open-apis/authen/v1/oidc/access_token", "/open-apis/authen/v1/oidc/refresh_access_token"}

// isSignIn finds the path behind that of a gateway, too.
func isSignIn(req *http.Request) bool {
	return req != nil && req.URL != nil && slices.ContainsFunc(signInPaths, func(path string) bool {
		return strings.HasSuffix(req.URL.Path, path)
	})
}

// rejectsAtSignIn knows 20013, of a tenant access token, and 20014, of an app access token. Elsewhere these
// numbers may be an API's own, for something else.
func rejectsAtSignIn(code int) bool {
	return code == 20013 || code == 20014 || fetcher.FeishuRejectsToken(code)
}

// WeChatRejects takes a reply of WeChat's as a rejection that has the status 200 and, in a JSON
// object with one errcode and one errmsg, the errcode 40001 (not the latest token), 40014 (no such
// token) or 42001 (expired). As of Feishu's, a file is none. The reason it gives is the code, such
// as "errcode 42001". It also looks into text/plain, as which some of WeChat's APIs send JSON.
//
// Source: https://developers.weixin.qq.com/doc/store/API/basics/commErrCode.html.
func WeChatRejects(resp *http.Response) (reason string, rejected bool) {
	if resp.StatusCode != http.StatusOK || !mayHold(resp, "application/json", "text/plain") {
		return "", false
	}
	return weChatReply.rejection(resp.Body)
}

// UnauthorizedRejects takes any reply of 401 as a rejection, whatever else it says. That suits an
// API that sends no challenge, and where 401 never stands for a missing permission: there each such
// call would cost the fleet a token, but for the cool-down. The reason it gives is "status 401".
func UnauthorizedRejects(resp *http.Response) (reason string, rejected bool) {
	return "status 401", resp.StatusCode == http.StatusUnauthorized
}

// mayHold tells by the head of a reply whether its body may be a rejection in JSON.
func mayHold(resp *http.Response, types ...string) bool {
	switch {
	case resp.Body == nil || resp.Body == http.NoBody:
		return false
	case resp.ContentLength == 0 || resp.ContentLength > maxPeek:
		return false
	case resp.Header.Get("Content-Encoding") != "":
		return false
	case isFile(resp):
		return false
	}
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")) // a bad parameter does not matter
	return slices.Contains(types, media)
}

// isFile reports whether a reply is a file that a user has stored, which may look like anything.
// The API tells only with a file how to save it, or sends only of a file a part.
func isFile(resp *http.Response) bool {
	if resp.StatusCode >= 400 {
		return isToBeSaved(resp.Header)
	}
	return resp.StatusCode == http.StatusPartialContent || has(resp.Header, "Content-Range") || has(resp.Header, "Content-Disposition")
}

// isToBeSaved looks at the head of an error. Gateways put "inline" there, so that no browser takes
// the error for a program; any other word counts as an attachment (RFC 6266, 4.2).
func isToBeSaved(h http.Header) bool {
	return slices.ContainsFunc(h["Content-Disposition"], func(disposition string) bool {
		kind, _, _ := strings.Cut(disposition, ";")
		return !strings.EqualFold(strings.TrimSpace(kind), "inline")
	})
}

func has(h http.Header, name string) bool { return len(h[name]) > 0 }

// envelope is the outermost object of a reply: the names in it of the code and the message, and
// which codes are rejections.
type envelope struct {
	code     string
	messages []string // any of these
	rejects  func(code int) bool
}

var (
	feishuReply = envelope{"code", []string{"msg"}, fetcher.FeishuRejectsToken}
	signInReply = envelope{"code", []string{"msg", "message"}, rejectsAtSignIn} // documented as the one, sent as the other
	weChatReply = envelope{"errcode", []string{"errmsg"}, func(code int) bool { return code == 40001 || code == 40014 || code == 42001 }}
)

// rejection reports whether a body is one object, and nothing else, with the code of a rejection
// and a message. It reads no further than it must, so that it does not hold up a long reply: any
// other code ends the look, and only a rejection is read to its end.
func (e envelope) rejection(r io.Reader) (reason string, rejected bool) {
	head := make([]byte, maxHead)
	n, err := r.Read(head)
	if e.beginsWithSuccess(head[:n]) {
		return "", false
	}
	d := json.NewDecoder(&marked{r: io.MultiReader(bytes.NewReader(head[:n]), afterwards{r, err})})
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return "", false
	}
	code, codes, messages := 0, 0, 0
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return "", false
		}
		ok := false
		switch {
		case key == e.code:
			codes++
			code, ok = e.decode(d)
		case e.isMessage(key):
			messages++
			ok = d.Decode(new(text)) == nil
		default:
			ok = d.Decode(new(skipped)) == nil
		}
		if !ok {
			return "", false
		}
	}
	return e.code + " " + strconv.Itoa(code), codes == 1 && messages == 1 && ends(d)
}

// maxHead is as much of a reply as may be had at once, for beginsWithSuccess.
const maxHead = 512

// beginsWithSuccess is true of what most replies begin with, {"code":0, and spares them a decoder, which would see the same.
func (e envelope) beginsWithSuccess(head []byte) bool {
	rest, found := bytes.CutPrefix(head, []byte(`{"`+e.code+`":0`))
	return found && len(rest) > 0 && (rest[0] == ',' || rest[0] == '}')
}

// afterwards goes on after a Read that has returned err.
type afterwards struct {
	r   io.Reader
	err error
}

func (a afterwards) Read(p []byte) (int, error) {
	if a.err != nil {
		return 0, a.err
	}
	return a.r.Read(p)
}

func (e envelope) isMessage(key json.Token) bool {
	name, ok := key.(string)
	return ok && slices.Contains(e.messages, name)
}

// decode is not ok unless there is a code that rejects a token.
func (e envelope) decode(d *json.Decoder) (code int, ok bool) {
	return code, d.Decode(&code) == nil && e.rejects(code)
}

// ends reads the end of the object, and reports whether the body ends with it.
func ends(d *json.Decoder) bool {
	if _, err := d.Token(); err != nil {
		return false
	}
	_, err := d.Token()
	return err == io.EOF
}

// skipped is any value, checked and not kept.
type skipped struct{}

func (*skipped) UnmarshalJSON([]byte) error { return nil }

// text is a string, not kept.
type text struct{}

func (*text) UnmarshalJSON(value []byte) error {
	if value[0] != '"' {
		return errors.New("bearer: not a string") // nobody sees it
	}
	return nil
}
