package bearer_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

// What the Transport reads of a reply of somebody's own transport ends with the request's
// ctx: the look for a code, and the rest of a rejection.
func TestRepliesThatIgnoreTheContext(t *testing.T) {
	const begins = `{"data":"`
	for name, deaf := range map[string]bool{"ends by Close": false, "never ends": true} {
		body := func(says string) *stuck {
			return &stuck{strings.NewReader(says), deaf, make(chan struct{})}
		}
		t.Run("a look, "+name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := body(begins)
				s := newStage(t, feishutest.Config{}, on(func(*http.Request) (*http.Response, error) {
					resp := reply(http.StatusOK, jsonType, "")
					resp.Body = b
					return resp, nil
				}))
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				began := time.Now()
				resp, err := s.client.Transport.RoundTrip(newRequest(t, http.MethodGet, query, nil).WithContext(ctx))
				require.NoError(t, err)
				assert.Equal(t, time.Second, time.Since(began))
				all, err := io.ReadAll(resp.Body)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				assert.Equal(t, begins, string(all))
				require.NoError(t, resp.Body.Close())
				synctest.Wait()
				if deaf {
					close(b.end)
				}
			})
		})
		t.Run("the rest of a rejection, "+name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := body(`{"code":99991663,"msg":""`)
				s := newStage(t, feishutest.Config{MintEveryCall: true}, on(func(*http.Request) (*http.Response, error) {
					resp := reply(http.StatusBadRequest, jsonType, "")
					resp.Body = b
					return resp, nil
				}))
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				began := time.Now()
				resp, err := s.client.Transport.RoundTrip(newRequest(t, http.MethodGet, query, nil).WithContext(ctx))
				require.NoError(t, err)
				assert.Equal(t, time.Second, time.Since(began))
				assert.Equal(t, 1, s.calls(), "nobody knows what it would have been")
				_, err = io.ReadAll(resp.Body)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.NoError(t, resp.Body.Close())
				synctest.Wait()
				if deaf {
					close(b.end)
				}
			})
		})
	}
}

// Nobody waits long for the end of a reply that is thrown away.
func TestRejectionThatIsSlowToClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var first *slowToClose
		s := newStage(t, feishutest.Config{MintEveryCall: true}, on(func(*http.Request) (*http.Response, error) {
			if first != nil {
				return reply(http.StatusOK, jsonType, `{"code":0}`), nil
			}
			first = &slowToClose{strings.NewReader(rejection), make(chan struct{})}
			resp := reply(http.StatusBadRequest, jsonType, "")
			resp.Body = first
			return resp, nil
		}))
		began := time.Now()
		status, text := s.do(t, newRequest(t, http.MethodPost, message, strings.NewReader(goodMessage)))
		assert.Equal(t, http.StatusOK, status)
		assert.Equal(t, `{"code":0}`, text)
		assert.LessOrEqual(t, time.Since(began), time.Second)
		close(first.end)
	})
}

// The body of these is a connection, which is the caller's alone.
func TestConnectionsAreNotReadFrom(t *testing.T) {
	for edge, c := range map[string]struct {
		method string
		status int
	}{
		"101":     {http.MethodGet, http.StatusSwitchingProtocols},
		"103":     {http.MethodGet, http.StatusEarlyHints},
		"CONNECT": {http.MethodConnect, http.StatusOK},
	} {
		t.Run(edge, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				body := &stuck{strings.NewReader(""), false, make(chan struct{})}
				s := newStage(t, feishutest.Config{}, on(func(*http.Request) (*http.Response, error) {
					resp := reply(c.status, jsonType, "")
					resp.Body = body
					return resp, nil
				}))
				resp, err := s.client.Transport.RoundTrip(newRequest(t, c.method, query, nil)) //nolint:bodyclose // it is body
				require.NoError(t, err)
				assert.Same(t, body, resp.Body)
				require.NoError(t, body.Close())
			})
		})
	}
}

// stuck is a body that says something, and then waits: until it is closed, or, if it is deaf,
// until the test ends.
type stuck struct {
	io.Reader
	deaf bool
	end  chan struct{}
}

func (s *stuck) Read(p []byte) (int, error) {
	if n, err := s.Reader.Read(p); err == nil {
		return n, nil
	}
	<-s.end
	return 0, errors.New("closed")
}

func (s *stuck) Close() error {
	if !s.deaf {
		select {
		case <-s.end:
		default:
			close(s.end)
		}
	}
	return nil
}

// slowToClose is a body whose Close waits for the end of the test.
type slowToClose struct {
	io.Reader
	end chan struct{}
}

func (s *slowToClose) Close() error {
	<-s.end
	return nil
}
