package service

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

func TestLoss(t *testing.T) {
	first, later := time.Unix(1, 0), time.Unix(2, 0)
	gone := fmt.Errorf("odd: %w", &tokencache.RedisError{Trouble: tokencache.TroubleUnreachable})
	l := loss{}.after(gone, first)
	assert.Equal(t, loss{first, tokencache.TroubleUnreachable}, l)
	l = l.after(context.DeadlineExceeded, later)
	assert.Equal(t, loss{first, tokencache.TroubleTimeout}, l, "since it began")
	assert.Equal(t, loss{}, l.after(nil, later))
	assert.Equal(t, later, loss{}.after(errors.New("odd"), later).since)
}

// Redis that is gone is told of though no token needs it yet.
func TestReportTellsThatRedisIsGone(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		status, body := w.get("/api/status")
		assert.Equal(t, http.StatusOK, status)
		assert.Contains(t, body, `"redis":{"state":"up"`)
		w.bubble.Each((*redistest.Link).Down)
		time.Sleep(surveyKept)
		_, body = w.get("/api/status")
		assert.Contains(t, body, `"redis":{"state":"degraded"`)
		assert.Contains(t, body, `"trouble":"unreachable","advice":"`)
		w.bubble.Each((*redistest.Link).Heal)
		time.Sleep(surveyKept)
		_, body = w.get("/api/status")
		assert.Contains(t, body, `"redis":{"state":"up"`)
	})
}
