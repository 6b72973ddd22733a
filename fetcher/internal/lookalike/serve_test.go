package lookalike_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/internal/lookalike"
)

// Every answer has a log id of its own, unless it has one, or has it taken away.
func TestLogID(t *testing.T) {
	for _, c := range []struct {
		edge   string
		header http.Header
		want   string // "" for a new one
		absent bool
	}{
		{edge: "new"},
		{edge: "its own", header: http.Header{"X-Log": {"mine"}}, want: "mine"},
		{edge: "taken away", header: http.Header{"X-Log": nil}, absent: true},
	} {
		t.Run(c.edge, func(t *testing.T) {
			server := lookalike.Server{LogIDHeader: "X-Log", Respond: func(*http.Request) (lookalike.Reply, error) {
				return lookalike.Answer(200, c.header, "body").Spoil(nil), nil
			}}
			web := httptest.NewServer(server)
			defer web.Close()
			for _, client := range []*http.Client{web.Client(), {Transport: server.RoundTripper()}} {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, web.URL, nil)
				require.NoError(t, err)
				resp, err := client.Do(req)
				require.NoError(t, err)
				body, err := io.ReadAll(resp.Body)
				require.NoError(t, err)
				require.NoError(t, resp.Body.Close())
				assert.Equal(t, "body", string(body))
				id := resp.Header.Get("X-Log")
				assert.Equal(t, c.absent, id == "")
				if c.want != "" {
					assert.Equal(t, c.want, id)
				}
			}
		})
	}
}

// A Respond that says that its client has gone has no answer written.
func TestNobodyLeftToAnswer(t *testing.T) {
	server := lookalike.Server{Respond: func(*http.Request) (lookalike.Reply, error) {
		return lookalike.Reply{}, context.Canceled
	}}
	web := httptest.NewServer(server)
	defer web.Close()
	for _, client := range []*http.Client{web.Client(), {Transport: server.RoundTripper()}} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, web.URL, nil)
		require.NoError(t, err)
		resp, err := client.Do(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		require.Error(t, err)
	}
}

func TestBodyThatIsClosedEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := lookalike.Server{LogIDHeader: "X-Log", Respond: func(*http.Request) (lookalike.Reply, error) {
			return lookalike.SlowBody(time.Hour).Spoil(func() lookalike.Reply { return lookalike.Text(200, "slow") }), nil
		}}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://issuer.test/", nil)
		require.NoError(t, err)
		resp, err := server.RoundTripper().RoundTrip(req) //nolint:bodyclose // below
		require.NoError(t, err)
		read := make(chan error)
		go func() {
			_, err := resp.Body.Read(make([]byte, 1))
			read <- err
		}()
		synctest.Wait()
		require.NoError(t, resp.Body.Close())
		require.True(t, errors.Is(<-read, http.ErrBodyReadAfterClose))
	})
}
