package page_test

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/listen"
	"github.com/onetoken-go/onetoken/internal/service/page"
)

// A stream outlasts the listener's limits for a request and an answer, which all other paths keep; and it does not
// hold up the end of the service.
func TestStreamAtAListener(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	l, err := listen.Open(ctx, listen.Config{Address: "127.0.0.1:0", ReadTimeout: time.Second, WriteTimeout: time.Second, Grace: time.Minute})
	require.NoError(t, err)
	p := page.New(func(context.Context) page.View { return page.View{Now: time.Now()} })
	mux := http.NewServeMux()
	p.Routes(mux)
	served, ran := make(chan error, 1), make(chan struct{})
	go func() { served <- l.Serve(ctx, mux) }()
	go func() {
		defer close(ran)
		p.Run(ctx)
	}()

	res, err := http.Get("http://" + l.Addr().String() + "/api/events")
	require.NoError(t, err)
	defer res.Body.Close()
	assert.Equal(t, "text/event-stream", res.Header.Get("Content-Type"))
	lines := bufio.NewScanner(res.Body)
	began, events := time.Now(), 0
	for events < 3 && lines.Scan() {
		if strings.HasPrefix(lines.Text(), "data: ") {
			events++
		}
	}
	require.Equal(t, 3, events, "%v", lines.Err())
	require.Greater(t, time.Since(began), 2*time.Second, "or this has shown nothing")

	stop()
	for lines.Scan() {
		assert.NotContains(t, lines.Text(), "error") // to the end
	}
	assert.NoError(t, lines.Err(), "an end, and not cut off")
	assert.NoError(t, <-served)
	<-ran
}
