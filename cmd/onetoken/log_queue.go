package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	// mostUnwritten bytes wait to be written; beyond them lines are lost.
	mostUnwritten = 1 << 20
	// lastWords is how long the end waits for lines that nobody has read yet.
	lastWords = time.Second
)

// lineQueue is standard error, to which nobody who writes has to wait: each Write is a line,
// or several whole ones, and one goroutine, there only while there is something to write,
// hands them on. If nobody reads the other end of the pipe, lines are lost, and that is said
// where they are missing. All methods are safe for concurrent use.
type lineQueue struct {
	out io.Writer

	mu      sync.Mutex // guards below
	lines   [][]byte
	size    int           // of them
	missing int           // lines lost since that was last said
	lost    int           // in all
	writing bool          // the goroutine is there
	idle    chan struct{} // closed when it goes, if somebody waits for that
}

// Write never blocks, and its error is nil: nobody could do anything about one.
func (q *lineQueue) Write(line []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.size+len(line) > mostUnwritten {
		q.missing++
		q.lost++
		return len(line), nil
	}
	q.sayMissing()
	q.add(append([]byte{}, line...))
	return len(line), nil
}

// sayMissing has the lines told of that were lost just here. The caller holds q.mu.
func (q *lineQueue) sayMissing() {
	if q.missing > 0 {
		q.add(fmt.Appendf(nil, "onetoken: %d log lines are missing here: nobody read standard error in time\n", q.missing))
		q.missing = 0
	}
}

// add queues a line. The caller holds q.mu.
func (q *lineQueue) add(line []byte) {
	q.lines, q.size = append(q.lines, line), q.size+len(line)
	if !q.writing {
		q.writing = true
		go q.writeAll()
	}
}

// writeAll is the goroutine.
func (q *lineQueue) writeAll() {
	for {
		line, ok := q.next()
		if !ok {
			return
		}
		_, _ = q.out.Write(line)
		q.mu.Lock()
		q.size -= len(line)
		q.mu.Unlock()
	}
}

func (q *lineQueue) next() (line []byte, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.lines) == 0 {
		q.sayMissing()
	}
	if len(q.lines) > 0 {
		line, q.lines[0], q.lines = q.lines[0], nil, q.lines[1:]
		return line, true
	}
	q.lines, q.writing = nil, false
	if q.idle != nil {
		close(q.idle)
		q.idle = nil
	}
	return nil, false
}

// flush waits until all is written, but no longer than lastWords.
func (q *lineQueue) flush() {
	q.mu.Lock()
	if !q.writing {
		q.mu.Unlock()
		return
	}
	if q.idle == nil {
		q.idle = make(chan struct{})
	}
	idle := q.idle
	q.mu.Unlock()
	timer := time.NewTimer(lastWords)
	defer timer.Stop()
	select {
	case <-idle:
	case <-timer.C:
	}
}

// dropped is how many lines were lost in all.
func (q *lineQueue) dropped() float64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return float64(q.lost)
}
