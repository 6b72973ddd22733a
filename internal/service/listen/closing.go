package listen

import "context"

// turnAway closes the connections that had no request yet, and those that are still to come.
func (c *connections) turnAway() {
	for _, waiting := range c.shut() {
		_ = waiting.conn.Close()
	}
}

func (c *connections) shut() (waiting []*connection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return nil
	}
	c.closing = true
	for known := longestWaiting(c.fresh); known != nil; known = longestWaiting(c.fresh) {
		c.dismiss(known)
		waiting = append(waiting, known)
	}
	c.announceEmpty()
	return waiting
}

// announceEmpty can happen once: when closing, no connection opens a handler that was not counted.
func (c *connections) announceEmpty() {
	if !c.closing || len(c.open) > 0 || c.handlers > 0 {
		return
	}
	select {
	case <-c.empty:
	default:
		close(c.empty)
	}
}

// closeHijacked closes those whose handlers have not returned.
func (c *connections) closeHijacked() {
	for _, known := range c.hijacked() {
		_ = known.conn.Close()
	}
}

func (c *connections) hijacked() (all []*connection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, known := range c.open {
		if known.hijacked {
			all = append(all, known)
		}
	}
	return all
}

// wait returns when all connections are closed and all handlers have returned, or when ctx ends.
func (c *connections) wait(ctx context.Context) {
	c.turnAway()
	select {
	case <-c.empty:
	case <-ctx.Done():
	}
}
