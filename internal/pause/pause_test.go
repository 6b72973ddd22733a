package pause_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/internal/pause"
)

func TestFor(t *testing.T) {
	for edge, c := range map[string]struct {
		news, end time.Duration // when there is news, and when the context ends; 0: never
		want      bool
		took      time.Duration
	}{
		"nothing happens":       {0, 0, true, time.Minute},
		"news":                  {time.Second, 0, true, time.Second},
		"news afterwards":       {time.Hour, 0, true, time.Minute},
		"the end":               {0, time.Second, false, time.Second},
		"the end after news":    {time.Second, 2 * time.Second, true, time.Second},
		"the end before news":   {2 * time.Second, time.Second, false, time.Second},
		"the end came long ago": {0, -time.Second, false, 0},
	} {
		t.Run(edge, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, early := t.Context(), make(chan struct{}, 1)
				if c.end != 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, c.end)
					defer cancel()
				}
				if c.news != 0 {
					news := time.AfterFunc(c.news, func() { early <- struct{}{} })
					defer news.Stop()
				}
				began := time.Now()
				assert.Equal(t, c.want, pause.For(ctx, time.Minute, early))
				assert.Equal(t, c.took, time.Since(began))
			})
		})
	}
}

func TestForWithoutNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		assert.True(t, pause.For(t.Context(), time.Second, nil))
		assert.Equal(t, time.Second, time.Since(began))
	})
}
