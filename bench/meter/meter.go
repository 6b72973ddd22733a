// Package meter counts what clients say to Redis, on their own side: the server's
// statistics do not tell a command from one that a script runs.
package meter

import (
	"bytes"
	"context"
	"maps"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Meter counts commands and bytes of the connections made by its Dial. Setting one up
// does not count (HELLO and what goes with it, and a PING to open it). The text of a script that EVAL
// sends does: to have what EVALSHA costs, have Redis know the script before. It is safe for concurrent use.
type Meter struct {
	mu    sync.Mutex // guards what follows
	count Count
	last  time.Time // when something was said, be it to set up
}

// Count is what was said.
type Count struct {
	Commands       map[string]int // by name, in upper case
	Connections    int            // opened
	Sent, Received int            // bytes, as the client sees it
}

// Total is the number of commands.
func (c Count) Total() (n int) {
	for _, times := range c.Commands {
		n += times
	}
	return n
}

// Attach has a client's connections counted. It is for the options of a client
// that has none yet.
func (m *Meter) Attach(o *redis.Options) { o.Dialer = m.Dial }

// Dial opens a connection that is counted.
func (m *Meter) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	m.count.Connections++
	m.mu.Unlock()
	return &conn{Conn: c, meter: m}, nil
}

// Take returns what was counted since the last Take.
func (m *Meter) Take() Count {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.count
	m.count = Count{}
	if c.Commands == nil {
		c.Commands = map[string]int{}
	}
	c.Commands = maps.Clone(c.Commands)
	return c
}

// Quiet is how long nothing was said, be it to set up.
func (m *Meter) Quiet() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return time.Since(m.last)
}

func (m *Meter) heard() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last = time.Now()
}

// conn is one connection.
type conn struct {
	net.Conn
	meter *Meter

	mu        sync.Mutex // guards what follows
	settingUp bool       // what comes back belongs to the set-up
	used      bool       // something was said that does not
}

// Write gets whole commands: go-redis flushes after each, or after a pipeline.
func (c *conn) Write(p []byte) (int, error) {
	c.meter.heard()
	names := parse(p)
	c.mu.Lock()
	c.settingUp = len(names) > 0 && c.setsUp(names[0])
	count := !c.settingUp
	c.used = c.used || count
	c.mu.Unlock()
	if count {
		c.meter.sent(names, len(p))
	}
	return c.Conn.Write(p)
}

func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.meter.heard()
	c.mu.Lock()
	count := !c.settingUp
	c.mu.Unlock()
	if count {
		c.meter.mu.Lock()
		c.meter.count.Received += n
		c.meter.mu.Unlock()
	}
	return n, err
}

// setsUp reports whether a command is part of the set-up. A PING is if it comes first:
// who says one later means it. The caller holds c.mu.
func (c *conn) setsUp(name string) bool {
	switch name {
	case "HELLO", "AUTH", "SELECT", "CLIENT":
		return true
	case "PING":
		return !c.used
	}
	return false
}

func (m *Meter) sent(names []string, size int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.count.Commands == nil {
		m.count.Commands = map[string]int{}
	}
	for _, name := range names {
		m.count.Commands[name]++
	}
	m.count.Sent += size
}

// parse returns the names of the commands in p. What is no command is left alone.
func parse(p []byte) (names []string) {
	for len(p) > 0 && p[0] == '*' {
		n, rest, ok := header(p)
		if !ok {
			return names
		}
		name := ""
		for i := range n {
			size, body, ok := header(rest)
			if !ok || len(body) < size+2 {
				return names
			}
			if i == 0 {
				name = strings.ToUpper(string(body[:size]))
			}
			rest = body[size+2:]
		}
		names, p = append(names, name), rest
	}
	return names
}

// header reads the number of a line such as "*3" or "$7", and what follows it.
func header(p []byte) (n int, rest []byte, ok bool) {
	line, rest, found := bytes.Cut(p, []byte("\r\n"))
	if !found || len(line) < 2 {
		return 0, nil, false
	}
	n, err := strconv.Atoi(string(line[1:]))
	return n, rest, err == nil && n >= 0
}
