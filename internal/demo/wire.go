package demo

import (
	"context"
	"errors"
	"net"
	"sync"
)

var errKilled = errors.New("this replica was killed")

// dialer opens a connection to the one Redis there is.
type dialer func(context.Context) (net.Conn, error)

// wire is a replica's connections to Redis, which can be cut all at once.
type wire struct {
	dialer dialer

	mu    sync.Mutex // guards the rest
	isCut bool
	conns []net.Conn
}

func (w *wire) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	conn, err := w.dialer(ctx)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.isCut {
		_ = conn.Close()
		return nil, errKilled
	}
	w.conns = append(w.conns, conn)
	return conn, nil
}

func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.isCut = true
	for _, conn := range w.conns {
		_ = conn.Close()
	}
}
