package bearer_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/bearer"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache/tokencachetest"
)

func TestSendsTheToken(t *testing.T) {
	for kind, of := range map[bearer.Kind]func(feishutest.Pair) string{
		bearer.Tenant: func(p feishutest.Pair) string { return p.Tenant },
		bearer.App:    func(p feishutest.Pair) string { return p.App },
	} {
		t.Run(kind.String(), func(t *testing.T) {
			s := newStage(t, feishutest.Config{}, func(c *bearer.Config) { c.Kind = kind })
			req := newRequest(t, http.MethodGet, query, nil)
			resp, err := s.client.Transport.RoundTrip(req)
			require.NoError(t, err)
			resp.Body.Close()
			assert.Equal(t, "Bearer "+of(s.issuer.Pairs()[0]), s.authorizations()[0])
			assert.Empty(t, req.Header, "the caller's request is the caller's")
			assert.Same(t, req, resp.Request, "without the token, then")
		})
	}
}

func TestRequestWithoutHeaderMap(t *testing.T) {
	s := newStage(t, feishutest.Config{})
	req := newRequest(t, http.MethodGet, query, nil)
	req.Header = nil
	resp, err := s.client.Transport.RoundTrip(req)
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	assert.Nil(t, req.Header)
}

func TestHealsWithinTheRequest(t *testing.T) {
	s := newStage(t, feishutest.Config{})
	for range 3 {
		status, _ := s.do(t, newRequest(t, http.MethodGet, query, nil))
		require.Equal(t, http.StatusOK, status)
	}
	require.Equal(t, 1, s.calls())

	s.revoke(t)
	status, body := s.do(t, newRequest(t, http.MethodGet, query, nil))
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, body, "A tenant of")
	assert.Equal(t, 2, s.calls())
	old, young := s.tenants()[0], s.tenants()[1]
	assert.Equal(t, []string{old, old, old, old, young}, s.authorizations())
}

func TestEveryCode(t *testing.T) {
	for _, c := range []struct {
		body    string
		rejects bool
	}{
		{`{"code":99991663,"msg":"Invalid access token for authorization"}`, true},
		{`{"code":99991664,"msg":""}`, true},
		{`{"msg":"invalid tenant token","code":99991665}`, true},
		{`{"data":{"code":0,"list":[{"code":1}]},"error":null,"msg":"x","code" : 99991671 }`, true},
		{`{"code":99991661}`, false},
		{`{"code":99991668}`, false},
		{`{"code":99991677}`, false},
		{`{"code":99991400}`, false},
		{`{"code":0}`, false},
		{`{"code":"99991663"}`, false},
		{`{"code":null}`, false},
		{`{"code":9.9991663e7}`, false},
		{`{"Code":99991663}`, false},
		{`{"data":{"code":99991663}}`, false},
		{`[{"code":99991663}]`, false},
		{`"code"`, false},
		{`{"code"`, false},
		{`{}`, false},
	} {
		for _, status := range []int{200, 400, 401, 500} {
			t.Run(fmt.Sprint(status, c.body), func(t *testing.T) {
				first := true
				s := newStage(t, feishutest.Config{MintEveryCall: true}, on(func(*http.Request) (*http.Response, error) {
					if !first {
						return reply(200, jsonType, `{"code":0,"msg":"second"}`), nil
					}
					first = false
					return reply(status, jsonType, c.body), nil
				}))
				got, body := s.do(t, newRequest(t, http.MethodGet, query, nil))
				if c.rejects {
					assert.Equal(t, `{"code":0,"msg":"second"}`, body)
					assert.Equal(t, 2, s.calls())
					return
				}
				assert.Equal(t, status, got)
				assert.Equal(t, c.body, body)
				assert.Equal(t, 1, s.calls())
			})
		}
	}
}

func TestSecondRejectionIsTheCallers(t *testing.T) {
	s := newStage(t, feishutest.Config{MintEveryCall: true}, on(alwaysRejects))
	status, body := s.do(t, newRequest(t, http.MethodGet, query, nil))
	assert.Equal(t, http.StatusBadRequest, status)
	assert.Equal(t, rejection, body)
	assert.Equal(t, s.tenants(), s.authorizations(), "twice, each with a token of its own")
	assert.Equal(t, 2, s.calls())
}

func TestSameTokenAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := farStage(t, feishutest.Config{}, on(alwaysRejects))
		for range 5 { // of which all but the first find ErrCoolDown
			status, body := s.do(t, newRequest(t, http.MethodGet, query, nil))
			assert.Equal(t, http.StatusBadRequest, status)
			assert.Equal(t, rejection, body)
		}
		assert.Len(t, s.authorizations(), 5, "no second tries")
		assert.Equal(t, 2, s.calls(), "one for the token, and one to look for another")
	})
}

func TestIssuerDownDuringARejection(t *testing.T) {
	s := newStage(t, feishutest.Config{})
	s.do(t, newRequest(t, http.MethodGet, query, nil))
	s.revoke(t)
	s.issuer.SetFault(feishutest.WrongSecret())
	status, body := s.do(t, newRequest(t, http.MethodGet, query, nil))
	assert.Equal(t, http.StatusBadRequest, status)
	assert.Contains(t, body, `"code":99991663`)
}

func TestSecondTryFails(t *testing.T) {
	broken := errors.New("broken")
	tries := 0
	s := newStage(t, feishutest.Config{MintEveryCall: true}, on(func(req *http.Request) (*http.Response, error) {
		if tries++; tries == 2 {
			return nil, broken
		}
		return alwaysRejects(req)
	}))
	_, err := s.client.Transport.RoundTrip(newRequest(t, http.MethodGet, query, nil)) //nolint:bodyclose // there is none
	assert.Equal(t, broken, err)
}

func TestOwnAuthorizationIsLeftAlone(t *testing.T) {
	for name, header := range map[string]http.Header{
		"user token":       {"Authorization": {"Bearer u-1"}},
		"another spelling": {"authorization": {"Bearer u-1"}},
		"none wanted":      {"Authorization": nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, feishutest.Config{}, on(alwaysRejects))
			req := newRequest(t, http.MethodGet, query, nil)
			req.Header = header
			_, body := s.do(t, req)
			assert.Equal(t, rejection, body)
			require.Len(t, s.sent, 1)
			assert.Equal(t, header, s.sent[0].Header)
			assert.Zero(t, s.calls())
		})
	}
}

func TestCloseIdleConnections(t *testing.T) {
	source := tokencachetest.New(t).Source(tokencachetest.NewFetcher("cli_test"))
	transport, err := bearer.New(bearer.Config{Source: source, Hosts: []string{host}, Base: idler{}})
	require.NoError(t, err)
	client := &http.Client{Transport: transport}
	assert.PanicsWithValue(t, "reached", client.CloseIdleConnections)
	newStage(t, feishutest.Config{}).client.CloseIdleConnections()
}

func alwaysRejects(*http.Request) (*http.Response, error) {
	return reply(http.StatusBadRequest, jsonType, rejection), nil
}

type idler struct{ http.RoundTripper }

func (idler) CloseIdleConnections() { panic("reached") }
