package tokencache

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReportsComeInOrderFromOneGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &observer{}
		r := l.reporter()
		want := []string{}
		for i := range 3000 {
			if i%3 == 0 {
				r.log(slog.LevelInfo, "line", "n", i)
				want = append(want, fmt.Sprintf("msg=line n=%d", i))
			} else {
				r.event(Event{Kind: EventFill, ID: fmt.Sprint(i)})
				want = append(want, fmt.Sprintf("fill %d", i))
			}
			if i%1000 == 999 {
				synctest.Wait()
				assert.False(t, r.busy(), "nothing to tell, no goroutine")
			}
		}
		assert.Equal(t, want, l.told)
		assert.LessOrEqual(t, cap(r.queue), 64, "nor the room of a burst")
	})
}

func TestReportsBeyondTheBoundAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &observer{leave: make(chan struct{})}
		r := l.reporter()
		r.event(Event{Kind: EventWait})
		synctest.Wait() // it hangs in the first
		for range mostReports + 100 {
			r.event(Event{Kind: EventFill})
		}
		close(l.leave)
		synctest.Wait()
		assert.Len(t, l.told, 1+mostReports+1, "and one line")
		lost := 0
		for _, s := range l.told {
			if strings.Contains(s, "lost=") {
				_, n, _ := strings.Cut(s, "lost=")
				assert.Equal(t, "100", n[:min(3, len(n))])
				lost++
			}
		}
		assert.Equal(t, 1, lost, "told once it has room again")
		assert.False(t, r.busy())
	})
}

// Close has them told, but waits for no callback for ever, and for none that called it.
func TestCloseTellsTheRest(t *testing.T) {
	open := func(t *testing.T, l *observer, observe func(Event)) *Cache {
		c, err := New(offline(t), Config{Observe: observe, Logger: l.reporter().logger})
		require.NoError(t, err)
		return c
	}
	t.Run("slow", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l := &observer{}
			c := open(t, l, func(e Event) {
				time.Sleep(time.Millisecond)
				l.observe(e)
			})
			for range 500 {
				c.reports.event(Event{Kind: EventFill})
			}
			require.NoError(t, c.Close())
			assert.Len(t, l.told, 500)
		})
	})
	t.Run("hangs", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l := &observer{leave: make(chan struct{})}
			c := open(t, l, l.observe)
			c.reports.event(Event{Kind: EventFill})
			begin := time.Now()
			require.NoError(t, c.Close())
			assert.Equal(t, farewell, time.Since(begin))
			close(l.leave)
		})
	})
	t.Run("from within", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l, took := &observer{}, time.Duration(-1)
			var c *Cache
			c = open(t, l, func(e Event) {
				l.observe(e)
				begin := time.Now()
				assert.NoError(t, c.Close())
				took = time.Since(begin)
			})
			c.reports.event(Event{Kind: EventFill})
			c.reports.event(Event{Kind: EventAdopt})
			synctest.Wait()
			assert.Zero(t, took)
			assert.Equal(t, []string{"fill ", "adopt "}, l.told)
		})
	})
}

func TestNobodyListensCostsNothing(t *testing.T) {
	r := &reporter{logger: slog.New(slog.DiscardHandler)}
	assert.Zero(t, testing.AllocsPerRun(100, func() { r.event(Event{Kind: EventFill, Err: ErrClosed}) }))
	assert.Nil(t, r.queue)
}

// observer is an Observe and a Logger's output, both of which wait for leave if there is to
// be one.
type observer struct {
	leave chan struct{}

	mu   sync.Mutex // guards told
	told []string
}

func (l *observer) observe(e Event) {
	if l.leave != nil {
		<-l.leave
	}
	l.add(e.Kind.String() + " " + e.ID)
}

func (l *observer) Write(line []byte) (int, error) {
	l.add(string(bytes.TrimSpace(line)))
	return len(line), nil
}

func (l *observer) add(s string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told = append(l.told, s)
}

func (l *observer) reporter() *reporter {
	bare := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == slog.LevelKey {
			return slog.Attr{}
		}
		return a
	}
	return &reporter{observe: l.observe, logger: slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{ReplaceAttr: bare}))}
}

func (r *reporter) busy() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.telling
}
