package bearer_test

import (
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/bearer"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

// TestKeepBody: a body without GetBody is sent again in full, or not at all, however much of it the
// first send has read.
func TestKeepBody(t *testing.T) {
	long := strings.Repeat("0123456789", 1000)
	for edge, c := range map[string]struct {
		keep, length int64 // length: what the request says; -1: unknown
		read         int   // by the first send; -1: all
		second       bool
	}{
		"all read, within":            {10000, -1, -1, true},
		"all read, one more than":     {9999, -1, -1, false},
		"all read, known to be more":  {9999, 10000, -1, false},
		"all read, known to be less":  {10000, 10000, -1, true},
		"a part read":                 {10000, -1, 4321, true},
		"a part read, of more than":   {4321, -1, 4321, true},
		"a part read, more than":      {4320, -1, 4321, false},
		"nothing read":                {1, -1, 0, true},
		"nothing kept":                {0, -1, 0, false},
		"all but the end was read":    {10000, -1, 10000, true},
		"known, and nothing was read": {20000, 10000, 0, true},
	} {
		t.Run(edge, func(t *testing.T) {
			var got []string
			s := newStage(t, feishutest.Config{MintEveryCall: true}, on(func(req *http.Request) (*http.Response, error) {
				from := io.Reader(req.Body)
				if len(got) == 0 && c.read >= 0 {
					from = io.LimitReader(req.Body, int64(c.read))
				}
				body, err := io.ReadAll(from)
				if err != nil {
					return nil, err
				}
				_ = req.Body.Close()
				if got = append(got, string(body)); len(got) == 1 {
					return reply(400, jsonType, rejection), nil
				}
				return reply(200, jsonType, `{"code":0}`), nil
			}), func(b *bearer.Config) { b.KeepBody = c.keep })
			body := &closes{Reader: iotest.HalfReader(strings.NewReader(long))}
			req := newRequest(t, http.MethodPost, message, body)
			req.ContentLength = c.length
			status, _ := s.do(t, req)
			if c.second {
				require.Equal(t, http.StatusOK, status)
				require.Len(t, got, 2)
				assert.True(t, long == got[1], "not whole: %d bytes", len(got[1]))
			} else {
				assert.Equal(t, http.StatusBadRequest, status)
				assert.Len(t, got, 1)
			}
			assert.Equal(t, 1, body.times, "closed")
		})
	}
}

// A body whose source fails is an error, and no shorter body.
func TestKeptBodyThatBreaks(t *testing.T) {
	broken := errors.New("broken")
	s := newStage(t, feishutest.Config{MintEveryCall: true}, on(func(req *http.Request) (*http.Response, error) {
		defer req.Body.Close()
		if _, err := io.ReadAll(req.Body); err != nil {
			return reply(400, jsonType, rejection), nil // it has heard enough
		}
		return reply(200, jsonType, `{"code":0}`), nil
	}), func(c *bearer.Config) { c.KeepBody = 1 << 20 })
	body := &closes{Reader: io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken))}
	status, _ := s.do(t, newRequest(t, http.MethodPost, message, body))
	assert.Equal(t, http.StatusBadRequest, status, "the second send breaks as well")
	assert.Equal(t, 1, body.times)
}

// The reply may come while the body is still on its way: the second send waits for the first to let
// go of it, but not for long.
func TestKeptBodyStillOnItsWay(t *testing.T) {
	for edge, late := range map[string]time.Duration{"lets go": 500 * time.Millisecond, "does not": time.Hour} {
		t.Run(edge, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sends := 0
				s := farStage(t, feishutest.Config{MintEveryCall: true}, on(func(req *http.Request) (*http.Response, error) {
					if sends++; sends == 2 {
						defer req.Body.Close()
						body, err := io.ReadAll(req.Body)
						return reply(200, jsonType, string(body)), err
					}
					go func() {
						_, _ = req.Body.Read(make([]byte, 2))
						time.Sleep(late)
						_ = req.Body.Close()
					}()
					return reply(400, jsonType, rejection), nil
				}), func(c *bearer.Config) { c.KeepBody = 100 })
				body := &closesLate{Reader: strings.NewReader("body")}
				began := time.Now()
				status, text := s.do(t, newRequest(t, http.MethodPost, message, body))
				if late < time.Second {
					assert.Equal(t, http.StatusOK, status)
					assert.Equal(t, "body", text)
				} else {
					assert.Equal(t, http.StatusBadRequest, status)
					assert.Less(t, time.Since(began), 2*time.Second)
					assert.Zero(t, body.times.Load(), "the first send may still read")
				}
				time.Sleep(late)
				synctest.Wait()
				assert.EqualValues(t, 1, body.times.Load(), "closed")
			})
		})
	}
}

// closesLate counts closes that another goroutine may make.
type closesLate struct {
	io.Reader
	times atomic.Int32
}

func (c *closesLate) Close() error {
	c.times.Add(1)
	return nil
}

// Over a socket, with a server that answers before it has read: what http.Transport had read of the
// body, and the rest, arrive.
func TestKeptBodyOverASocket(t *testing.T) {
	upload := make([]byte, 4<<20)
	random := rand.NewChaCha8([32]byte{1})
	_, _ = random.Read(upload)
	requests := 0
	var sum [32]byte
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", jsonType)
		if requests++; requests == 1 {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, rejection)
			return
		}
		body, _ := io.ReadAll(r.Body)
		sum = sha256.Sum256(body)
		_, _ = io.WriteString(w, `{"code":0}`)
	}))
	defer api.Close()
	s := newStage(t, feishutest.Config{MintEveryCall: true}, func(c *bearer.Config) {
		c.Hosts, c.Base, c.KeepBody = []string{api.URL}, &http.Transport{DisableKeepAlives: true}, int64(len(upload))
	})
	status, _ := s.do(t, newRequest(t, http.MethodPost, api.URL, io.MultiReader(strings.NewReader(string(upload)))))
	require.Equal(t, http.StatusOK, status)
	assert.Equal(t, sha256.Sum256(upload), sum)
}
