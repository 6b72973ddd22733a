package tokencache

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/onetoken-go/onetoken/internal/wire"
)

// reporter tells Config.Observe and Config.Logger what has happened, in order. Both are
// somebody else's code, which may take its time, panic, or call the Cache, so neither is
// called by those who report: they append to a queue, and one goroutine tells, which is
// there only while there is something to tell.
type reporter struct {
	observe func(Event) // nil: nobody listens
	logger  *slog.Logger

	mu      sync.Mutex // guards below
	queue   []report   // those from first on are to be told
	first   int
	lost    int           // since the last were told of
	telling bool          // the goroutine is there
	over    chan struct{} // closed when it goes, if somebody waits for that

	complained [2]bool // of a panic: only the goroutine touches them
}

// report is a line of the log, or else an event.
type report struct {
	line  *slog.Record
	event Event
}

const (
	// mostReports are queued; a callback that takes a minute misses the rest.
	mostReports = 16384
	// farewell is how long Close waits until what was queued is told.
	farewell = time.Second
)

// event reports one, if anybody listens.
func (r *reporter) event(e Event) {
	if r.observe == nil {
		return
	}
	e.Err = own(e.Err)
	r.add(report{event: e})
}

// log reports a line as of now. Args are attributes or pairs, as of slog.Logger, of
// harmless types.
func (r *reporter) log(level slog.Level, message string, args ...any) {
	var pc [1]uintptr
	runtime.Callers(2, pc[:])
	line := slog.NewRecord(time.Now(), level, message, pc[0])
	line.Add(args...)
	r.add(report{line: &line})
}

// whose is the attributes of a line about a credential: its id, its app, and more. An empty id
// is that of a line about all.
func whose(id string, more ...any) []any {
	if id == "" {
		return more
	}
	return append([]any{"id", id, "app", word(wire.AppOf(id))}, more...)
}

func (r *reporter) add(one report) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.queue)-r.first >= mostReports {
		r.lost++
		return
	}
	if len(r.queue) == cap(r.queue) && r.first > len(r.queue)/2 { // make room without growing
		n := copy(r.queue, r.queue[r.first:])
		clear(r.queue[n:])
		r.queue, r.first = r.queue[:n], 0
	}
	r.queue = append(r.queue, one)
	if !r.telling {
		r.telling = true
		go r.tellAll()
	}
}

// tellAll is the goroutine.
func (r *reporter) tellAll() {
	done := false
	defer func() {
		if !done { // runtime.Goexit in a callback: the rest is another's
			go r.tellAll()
		}
	}()
	for {
		one, ok := r.next()
		if !ok {
			done = true
			return
		}
		r.tell(one)
	}
}

// next is what is to be told next, if anything.
func (r *reporter) next() (one report, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	waiting := len(r.queue) - r.first
	if r.lost > 0 && waiting <= mostReports/2 {
		line := slog.NewRecord(time.Now(), slog.LevelWarn, "Observe or the Logger is too slow: events and log lines are lost", 0)
		line.Add("lost", r.lost)
		r.lost = 0
		return report{line: &line}, true
	}
	if waiting > 0 {
		one, r.queue[r.first] = r.queue[r.first], report{}
		r.first++
		return one, true
	}
	r.queue, r.first = r.queue[:0], 0
	if cap(r.queue) > 64 { // for the usual handful, keep the room
		r.queue = nil
	}
	r.telling = false
	if r.over != nil {
		close(r.over)
		r.over = nil
	}
	return report{}, false
}

// The callbacks, as complained counts them.
const (
	ofObserve = iota
	ofLogger
)

// tell calls who is to be told, and survives it. Close knows by this method's name that it
// is called from within a callback.
func (r *reporter) tell(one report) {
	if one.line == nil {
		defer r.survive(ofObserve)
		r.observe(one.event)
		return
	}
	defer r.survive(ofLogger)
	handle(r.logger, *one.line)
}

func handle(l *slog.Logger, line slog.Record) {
	ctx := context.Background()
	if h := l.Handler(); h.Enabled(ctx, line.Level) {
		_ = h.Handle(ctx, line)
	}
}

// survive is deferred around a callback. Its first panic is logged.
func (r *reporter) survive(callback int) {
	p := recover()
	if p == nil || r.complained[callback] {
		return
	}
	r.complained[callback] = true
	message := [...]string{
		ofObserve: "Observe panicked; it is called again all the same, and this is said once",
		ofLogger:  "the Logger panicked; it is called again all the same, and this is said once",
	}[callback]
	line := slog.NewRecord(time.Now(), slog.LevelError, message, 0)
	line.Add("panic", fmt.Sprintf("%T", p))
	if callback == ofObserve {
		r.tell(report{line: &line})
		return
	}
	defer func() { _ = recover() }() // nobody is left to be told
	handle(slog.Default(), line)
}

// close waits for what is queued to be told, but not for ever, and not if it is called by
// the very callback that would have to return first.
func (r *reporter) close() {
	if calledBack() {
		return
	}
	r.mu.Lock()
	if !r.telling {
		r.mu.Unlock()
		return
	}
	if r.over == nil {
		r.over = make(chan struct{})
	}
	over := r.over
	r.mu.Unlock()
	sleepUnless(over, farewell)
}

// calledBack reports whether a reporter has called its caller's caller, and so on.
func calledBack() bool {
	callers := make([]uintptr, 256)
	frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers)])
	for {
		frame, more := frames.Next()
		if strings.HasSuffix(frame.Function, "/tokencache.(*reporter).tell") {
			return true
		}
		if !more {
			return false
		}
	}
}
