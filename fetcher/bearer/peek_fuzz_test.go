package bearer

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher"
)

// FuzzPeek: whatever is in a body and however it comes, the caller gets all of
// it, its error included; and it is a rejection if encoding/json says so too.
func FuzzPeek(f *testing.F) {
	f.Add([]byte(`{"code":99991663,"msg":"Invalid access token for authorization"}`), false, false)
	f.Add([]byte(`{"data":{"code":[1,{"a":null}]},"msg":"","code": 99991671}`), true, false)
	f.Add([]byte(`{"\u0063ode":99991664}`), true, true)
	f.Add([]byte(`{"code":99991665`), false, true)
	f.Add([]byte(`{"code":0}{"code":99991663}`), false, false)
	f.Add([]byte(`[{"code":99991663}]`), true, true)
	f.Add([]byte("\xef\xbb\xbf"+`{"code":99991663,"msg":""}`), true, false)
	f.Add([]byte(`{"code":99991663,"msg":"ok"}{`), false, false)
	f.Add([]byte("<html>"), false, false)
	f.Add([]byte(`{"errcode":42001,"errmsg":"access_token expired rid: 5f"}`), false, false)
	f.Add([]byte(`{"errmsg":"","errcode":40014,"errcode":0}`), true, false)
	f.Add([]byte{}, false, true)
	broken := errors.New("broken")
	f.Fuzz(func(t *testing.T, text []byte, slow, breaks bool) {
		var r io.Reader = bytes.NewReader(text)
		if breaks {
			r = io.MultiReader(r, iotest.ErrReader(broken))
		}
		if slow {
			r = iotest.OneByteReader(r)
		}
		weChat := bytes.NewReader(text)
		reason, rejected := WeChatRejects(&http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"text/plain"}}, Body: io.NopCloser(weChat), ContentLength: -1})
		if rejected {
			assert.Contains(t, []string{"errcode 40001", "errcode 40014", "errcode 42001"}, reason)
			assert.True(t, json.Valid(bytes.TrimPrefix(text, []byte(byteOrderMark))))
			assert.Zero(t, weChat.Len(), "read to its end")
		}

		resp := &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(r), ContentLength: -1}
		_, got := (&Transport{rejects: FeishuRejects}).look(&http.Request{}, resp)

		all, err := io.ReadAll(resp.Body)
		require.NoError(t, resp.Body.Close())
		assert.Equal(t, breaks, err != nil)
		assert.True(t, bytes.Equal(text, all))
		if want, ok := rejectsByTheBook(text); ok {
			assert.Equal(t, want && !breaks, got)
		}
	})
}

// rejectsByTheBook is not ok if the text is too long, or may have two codes or messages.
func rejectsByTheBook(text []byte) (rejects, ok bool) {
	if len(text) >= maxPeek || bytes.Count(text, []byte("ode")) > 1 || bytes.Count(text, []byte("sg")) > 1 || bytes.Contains(text, []byte(`\u`)) {
		return false, false
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(bytes.TrimPrefix(text, []byte(byteOrderMark)), &fields) != nil {
		return false, true
	}
	var code int
	var msg *string
	return json.Unmarshal(fields["code"], &code) == nil && fetcher.FeishuRejectsToken(code) && json.Unmarshal(fields["msg"], &msg) == nil && msg != nil, true
}
