package bearer_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/bearer"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// TestSurface: a rejection that stays is an error that says why, and its reply is closed.
func TestSurface(t *testing.T) {
	refused := errors.New("no more tokens")
	stream := func() io.Reader { return io.NopCloser(strings.NewReader(goodMessage)) }
	for edge, c := range map[string]struct {
		source bearer.Source
		body   io.Reader
		err    error // nil: both tokens were rejected
		says   string
		sent   int
	}{
		"both tokens":          {&script{tokens: []string{"t-1", "t-2"}}, nil, nil, "the access token, and the one after it (code 99991663, log id 2026?[31mx): check that this API takes this kind of token", 2},
		"the same token again": {&script{tokens: []string{"t-1", "t-1"}}, nil, bearer.ErrSameToken, "(code 99991663, log id 2026?[31mx): bearer: the Source gave the rejected access token again", 1},
		"a cool-down":          {&script{tokens: []string{"t-1"}, invalidate: tokencache.ErrCoolDown}, nil, tokencache.ErrCoolDown, tokencache.ErrCoolDown.Error(), 1},
		"Redis is down":        {&script{tokens: []string{"t-1", "t-2"}, invalidate: tokencache.ErrRedis}, nil, nil, "and the one after it", 2},
		"no other token":       {&script{tokens: []string{"t-1"}, get: refused}, nil, refused, "no access token: no more tokens", 1},
		"a body without end":   {&script{tokens: []string{"t-1", "t-2"}}, stream(), bearer.ErrBodySpent, "make the request anew, or set Config.KeepBody", 1},
		"time ran out":         {&script{tokens: []string{"t-1"}, get: context.DeadlineExceeded}, nil, context.DeadlineExceeded, "deadline", 1},
	} {
		t.Run(edge, func(t *testing.T) {
			var bodies []*closes
			s := newStage(t, feishutest.Config{}, on(func(req *http.Request) (*http.Response, error) {
				if req.Body != nil {
					_ = req.Body.Close()
				}
				resp := reply(http.StatusBadRequest, jsonType, "")
				body := &closes{Reader: strings.NewReader(rejection)}
				bodies = append(bodies, body)
				resp.Body = body
				resp.Header.Set("X-Request-Id", "2026\x1b[31mx")
				return resp, nil
			}), func(b *bearer.Config) { b.Source, b.Surface = c.source, true })
			_, err := s.client.Do(newRequest(t, http.MethodPost, message, c.body)) //nolint:bodyclose // there is none
			var rejected *bearer.RejectedError
			require.ErrorAs(t, err, &rejected)
			assert.Equal(t, "code 99991663", rejected.Reason)
			assert.Equal(t, http.StatusBadRequest, rejected.StatusCode)
			assert.Equal(t, "2026\x1b[31mx", rejected.LogID)
			assert.ErrorContains(t, err, c.says)
			assert.NotContains(t, err.Error(), "t-1")
			assert.Equal(t, errors.Is(c.err, context.DeadlineExceeded), rejected.Timeout())
			if c.err == nil {
				assert.NoError(t, rejected.Err)
			} else {
				assert.ErrorIs(t, err, c.err)
			}
			assert.Len(t, s.sent, c.sent)
			for _, body := range bodies {
				assert.Equal(t, 1, body.times, "closed")
			}
		})
	}
}

// What is no rejection stays a reply under Surface, and so does a token that the second try heals.
func TestSurfaceOfWhatIsNoRejection(t *testing.T) {
	s := newStage(t, feishutest.Config{}, func(c *bearer.Config) { c.Surface = true })
	warm(t, s)
	status, _ := s.do(t, newRequest(t, http.MethodGet, query, nil))
	assert.Equal(t, http.StatusOK, status)
	status, body := s.do(t, newRequest(t, http.MethodPost, message, nil))
	assert.Equal(t, http.StatusBadRequest, status)
	assert.Contains(t, body, "230001")
}

// script is a Source that gives one token after the other.
type script struct {
	tokens          []string
	get, invalidate error
	told            []tokencache.Token
}

func (s *script) Get(context.Context) (tokencache.Token, error) {
	if len(s.tokens) == 0 {
		return tokencache.Token{}, s.get
	}
	next := s.tokens[0]
	s.tokens = s.tokens[1:]
	return tokenOf(next), nil
}

func (s *script) Invalidate(_ context.Context, bad tokencache.Token) error {
	s.told = append(s.told, bad)
	return s.invalidate
}
