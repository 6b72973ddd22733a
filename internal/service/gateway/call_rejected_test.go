package gateway_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The token that an API rejects is told the fleet, and the call sent once more with the next.
func TestRejection(t *testing.T) {
	for name, c := range map[string]struct {
		body    string
		chunked bool
		twice   bool
	}{
		"no body":                   {twice: true},
		"small":                     {body: "{}", twice: true},
		"1 MiB":                     {body: strings.Repeat("x", 1<<20), twice: true},
		"1 MiB + 1 B":               {body: strings.Repeat("x", 1<<20+1)},
		"1 MiB of unknown length":   {body: strings.Repeat("x", 1<<20), chunked: true, twice: true},
		"more, of unknown length":   {body: strings.Repeat("x", 1<<20+1), chunked: true},
		"5 MiB":                     {body: strings.Repeat("x", 5<<20)},
		"5 MiB, of unknown length":  {body: strings.Repeat("x", 5<<20), chunked: true},
		"nothing of unknown length": {body: "", chunked: true, twice: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			s.api.rejects("t-REAL-token-cli_crm-1")
			r := s.request(http.MethodPost, messagesPath, s.standIn(), c.body)
			if c.chunked {
				r.Body, r.ContentLength = io.NopCloser(bytes.NewReader([]byte(c.body))), -1
			}
			g := s.send(r)
			crm := s.vault["crm"].(*app)
			assert.Equal(t, []string{"t-REAL-token-cli_crm-1"}, crm.invalidated)
			all := s.api.requests()
			if !c.twice {
				assert.Equal(t, 400, g.status)
				assert.Equal(t, 99991663, g.Code, "the API's answer")
				require.Len(t, all, 1)
				assert.Equal(t, 0, s.call(http.MethodPost, messagesPath, s.standIn(), "{}").Code, "the next call succeeds")
				return
			}
			assert.Equal(t, 0, g.Code)
			require.Len(t, all, 2)
			assert.Equal(t, "t-REAL-token-cli_crm-2", all[1].token)
			assert.Equal(t, len(c.body), len(all[1].body), "all of it, once more")
		})
	}
}

// A second rejection is the API's answer, as is one after which another token is not to be had yet.
func TestRejectionThatStays(t *testing.T) {
	s := open(t)
	s.api.rejects("t-REAL-token-cli_crm-1", "t-REAL-token-cli_crm-2")
	g := s.call(http.MethodPost, messagesPath, s.standIn(), "{}")
	assert.Equal(t, 99991663, g.Code)
	assert.Len(t, s.api.requests(), 2)
	s.vault["crm"].(*app).cooled = true
	g = s.call(http.MethodPost, messagesPath, s.standIn(), "{}")
	assert.Equal(t, 99991663, g.Code)
	assert.Len(t, s.api.requests(), 3)
}

// A rejection is seen also if the client would take it compressed.
func TestRejectionOfWhoTakesGzip(t *testing.T) {
	s := open(t)
	s.api.does(func(w http.ResponseWriter, r *http.Request) {
		got := s.api.take(r)
		text := `{"code":0,"msg":"success"}`
		if got.token == "t-REAL-token-cli_crm-1" {
			text = `{"code":99991663,"msg":"Invalid access token for authorization."}`
		}
		w.Header().Set("Content-Type", "application/json")
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "br") {
			_, _ = io.WriteString(w, text)
			return
		}
		w.Header().Set("Content-Encoding", "br")
		_, _ = io.WriteString(w, "not to be read without a library")
	})
	r := s.request(http.MethodGet, "/open-apis/x", s.standIn(), "")
	r.Header.Set("Accept-Encoding", "gzip, br")
	assert.Equal(t, 0, s.send(r).Code)
	assert.Len(t, s.api.requests(), 2)
}
