package aside_test

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/fetcher/internal/aside"
)

// The bubble of each test ends only when Run's goroutines have.

func TestInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, took := range []time.Duration{0, time.Second - 1} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			value, ok := aside.Run(ctx, func() string {
				time.Sleep(took)
				return "value"
			}, neverLate(t))
			assert.True(t, ok)
			assert.Equal(t, "value", value)
			cancel()
		}
		value, ok := aside.Run(context.Background(), func() int { return 1 }, func(int) { t.Error("late, without an end") })
		assert.True(t, ok)
		assert.Equal(t, 1, value)
	})
}

// Nobody waits for what does not heed the context, and what it brings after all is cleaned up once.
func TestTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		late := make(chan string, 2)
		value, ok := aside.Run(ctx, func() string {
			time.Sleep(time.Hour)
			return "value"
		}, func(value string) { late <- value })
		assert.False(t, ok)
		assert.Empty(t, value)
		assert.Equal(t, time.Second, time.Since(began))
		synctest.Wait()
		assert.Empty(t, late, "it still runs")
		time.Sleep(time.Hour)
		synctest.Wait()
		assert.Len(t, late, 1)
		assert.Equal(t, "value", <-late)
	})
}

// A value that comes when the context ends goes one way, and never both, or none.
func TestAtTheVeryEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 200 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			late := make(chan bool, 2)
			_, ok := aside.Run(ctx, func() bool { // by the same timer
				<-ctx.Done()
				return true
			}, func(value bool) { late <- value })
			synctest.Wait()
			assert.Len(t, late, map[bool]int{true: 0, false: 1}[ok])
			cancel()
		}
	})
}

func TestContextThatHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		late := make(chan string, 2)
		_, ok := aside.Run(ctx, func() string {
			time.Sleep(time.Second)
			return "value"
		}, func(value string) { late <- value })
		assert.False(t, ok)
		time.Sleep(time.Second)
		synctest.Wait()
		assert.Len(t, late, 1)
	})
}

// A panic is its caller's, with its value, as if nothing ran aside; one that comes too late has no caller
// any more, and ends nothing.
func TestPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		assert.PanicsWithValue(t, "in time", func() {
			aside.Run(ctx, func() string { panic("in time") }, neverLate(t))
		})
		_, ok := aside.Run(ctx, func() string {
			time.Sleep(time.Hour)
			panic("too late")
		}, neverLate(t))
		assert.False(t, ok)
		time.Sleep(time.Hour)
		synctest.Wait()
	})
}

// What ends its goroutine brings nothing, and holds nobody.
func TestGoexit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		value, ok := aside.Run(context.Background(), func() string {
			runtime.Goexit()
			return "value"
		}, neverLate(t))
		assert.True(t, ok)
		assert.Empty(t, value)
	})
}

func neverLate(t *testing.T) func(string) {
	return func(string) { t.Error("nothing was late") }
}
