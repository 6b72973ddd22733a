package gateway_test

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/internal/service/gateway"
)

// An answer that does not wait for a body reaches a client that is still sending it.
func TestAnswerBeforeTheBody(t *testing.T) {
	s := open(t)
	body := strings.Repeat("x", 20<<20)
	g := s.call(http.MethodPost, messagesPath, "ot1.dead.AAAA", body)
	assert.Equal(t, 99991663, g.Code)
	s.api.does(func(w http.ResponseWriter, r *http.Request) {
		const rejection = `{"code":99991663,"msg":"Invalid access token for authorization."}`
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(rejection))) // so that the answer is whole before the body is
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, rejection)
		_ = http.NewResponseController(w).Flush()
		_, _ = io.Copy(io.Discard, r.Body) // else net/http there would close the connection under the gateway
	})
	g = s.call(http.MethodPost, messagesPath, s.standIn(), body)
	assert.Equal(t, 99991663, g.Code)
}

// A body that the client breaks off is the client's fault, and not the API's.
func TestBrokenBody(t *testing.T) {
	s := open(t)
	s.api.does(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	status := s.raw("POST /open-apis/x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + s.standIn() + "\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\nno chunk\r\n")
	assert.Equal(t, 400, status)
	assert.Equal(t, gateway.Use{Client: "bot", Credential: "crm", Status: 400, Refused: "broken body"}, s.lastUse())
}
