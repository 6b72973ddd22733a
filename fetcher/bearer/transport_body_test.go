package bearer_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/bearer"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

func TestPostIsSentAgain(t *testing.T) {
	s := newStage(t, feishutest.Config{})
	warm(t, s)
	status, body := s.do(t, newRequest(t, http.MethodPost, message, strings.NewReader(goodMessage)))
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, body, `{\"text\":\"hi\"}`, "the body arrived")
	assert.Len(t, s.authorizations(), 2)
	assert.Equal(t, 2, s.calls())
}

func TestPostThatCannotBeSentAgain(t *testing.T) {
	s := newStage(t, feishutest.Config{})
	warm(t, s)
	post := func() (int, string) {
		return s.do(t, newRequest(t, http.MethodPost, message, io.NopCloser(strings.NewReader(goodMessage))))
	}
	status, body := post()
	assert.Equal(t, http.StatusBadRequest, status)
	assert.Contains(t, body, `"code":99991663`)
	assert.Len(t, s.authorizations(), 1)

	status, _ = post()
	assert.Equal(t, http.StatusOK, status, "the fleet was told, so the next one has another token")
	assert.Equal(t, 2, s.calls())
}

func TestBodyThatIsNotThereASecondTime(t *testing.T) {
	s := newStage(t, feishutest.Config{})
	warm(t, s)
	req := newRequest(t, http.MethodPost, message, strings.NewReader(goodMessage))
	req.GetBody = func() (io.ReadCloser, error) { return nil, errors.New("gone") }
	status, body := s.do(t, req)
	assert.Equal(t, http.StatusBadRequest, status)
	assert.Contains(t, body, `"code":99991663`)
}

func TestEmptyPostIsSentAgain(t *testing.T) {
	s := newStage(t, feishutest.Config{})
	warm(t, s)
	status, body := s.do(t, newRequest(t, http.MethodPost, message, http.NoBody))
	assert.Equal(t, http.StatusBadRequest, status)
	assert.Contains(t, body, `"code":230001`, "the token was good")
}

// Every body that is handed over is closed once: the request's, its repetition's
// and the first reply's; the second reply's is the caller's.
func TestBodiesAreClosed(t *testing.T) {
	var replies []*closes
	s := newStage(t, feishutest.Config{MintEveryCall: true}, on(func(req *http.Request) (*http.Response, error) {
		_ = req.Body.Close()
		body := &closes{Reader: strings.NewReader(rejection)}
		replies = append(replies, body)
		resp := reply(http.StatusBadRequest, jsonType, "")
		resp.Body = body
		return resp, nil
	}))
	first, second := &closes{Reader: strings.NewReader("x")}, &closes{Reader: strings.NewReader("x")}
	req := newRequest(t, http.MethodPost, message, first)
	req.GetBody = func() (io.ReadCloser, error) { return second, nil }
	resp, err := s.client.Transport.RoundTrip(req)
	require.NoError(t, err)
	assert.Equal(t, 1, first.times)
	assert.Equal(t, 1, second.times)
	require.Len(t, replies, 2)
	assert.Equal(t, 1, replies[0].times)
	assert.Equal(t, 0, replies[1].times)
	resp.Body.Close()
	assert.Equal(t, 1, replies[1].times)
}

func TestBodyIsClosedIfThereIsNoToken(t *testing.T) {
	s := newStage(t, feishutest.Config{})
	s.issuer.SetFault(feishutest.WrongSecret())
	body := &closes{Reader: strings.NewReader("x")}
	_, err := s.client.Transport.RoundTrip(newRequest(t, http.MethodPost, message, body)) //nolint:bodyclose // there is none
	require.Error(t, err)
	assert.Equal(t, 1, body.times)
}

func TestExpectAndUpgradePassThrough(t *testing.T) {
	connection := &closes{Reader: strings.NewReader("")}
	s := newStage(t, feishutest.Config{}, on(func(req *http.Request) (*http.Response, error) {
		assert.Equal(t, "100-continue", req.Header.Get("Expect"))
		assert.Equal(t, "websocket", req.Header.Get("Upgrade"))
		resp := reply(http.StatusSwitchingProtocols, jsonType, "")
		resp.Body = connection
		return resp, nil
	}))
	req := newRequest(t, http.MethodGet, query, nil)
	req.Header.Set("Expect", "100-continue")
	req.Header.Set("Upgrade", "websocket")
	resp, err := s.client.Transport.RoundTrip(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	assert.Same(t, connection, resp.Body)
}

func TestBaseIsTheDefaultTransport(t *testing.T) {
	standard := http.DefaultTransport
	t.Cleanup(func() { http.DefaultTransport = standard })
	http.DefaultTransport = roundTrip(func(*http.Request) (*http.Response, error) { return reply(418, "text/plain", ""), nil })
	s := newStage(t, feishutest.Config{})
	transport, err := bearer.New(bearer.Config{Source: s.source, Hosts: []string{host}})
	require.NoError(t, err)
	resp, err := transport.RoundTrip(newRequest(t, http.MethodGet, query, nil))
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, 418, resp.StatusCode)
}
