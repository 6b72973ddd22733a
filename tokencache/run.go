package tokencache

import "context"

// Run keeps every Source fresh, also those made later, without anybody calling
// Get: for a standalone refresher, or a service that wants its first request to
// be fast. It blocks until ctx ends, then returns nil; ErrClosed once the Cache
// is closed. It starts no goroutine of its own: each Source has a timer.
//
// While it runs this process is a refresher: it refreshes a little earlier than
// processes that do not call Run, which then never have to. Any number of refreshers
// may run; none is elected. Several calls at once are as good as one.
//
// A failure is retried when its backoff is over, for ever; it is reported
// through Config.Observe and by Get.
func (c *Cache) Run(ctx context.Context) error {
	if c.work.isClosed() {
		return ErrClosed
	}
	c.runners.Add(1)
	c.placeRefreshes()
	defer func() {
		if c.runners.Add(-1) == 0 {
			c.placeRefreshes()
		}
	}()
	select {
	case <-ctx.Done():
		return nil
	case <-c.work.closing:
		return ErrClosed
	}
}

// placeRefreshes has each Source refresh like a refresher's, or like any other replica's.
func (c *Cache) placeRefreshes() {
	for _, s := range c.allSources() {
		s.placeRefresh()
	}
}
