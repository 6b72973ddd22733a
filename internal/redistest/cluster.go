package redistest

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	clusterPrimaries = 3
	clusterSlots     = 16384
	// clusterBus is how far the port on which the nodes talk lies above theirs.
	clusterBus = 10000
	// clusterNodeTimeout is how long a node may be silent before its replica takes
	// over: short for a test, long for a busy machine.
	clusterNodeTimeout = 2 * time.Second
)

// Cluster is a Redis Cluster of a test's own: three primaries with a third of the
// slots each, and a replica for each of them.
type Cluster struct {
	t     testing.TB
	nodes []*Server // the primaries first; the replica of nodes[i] is nodes[i+3]
}

// StartCluster starts a cluster with further arguments for each node, waits until
// all of its slots are served, which takes some seconds, and stops it when the test
// ends. Without redis-server it does as [StartServer].
func StartCluster(t testing.TB, args ...string) *Cluster {
	t.Helper()
	c := &Cluster{t: t}
	for range 2 * clusterPrimaries {
		c.nodes = append(c.nodes, startServer(t, freePortOfNode, func(s *Server) []string {
			timeout := strconv.FormatInt(clusterNodeTimeout.Milliseconds(), 10)
			return append(s.usual(), append([]string{
				"--cluster-enabled", "yes", "--cluster-node-timeout", timeout,
				"--cluster-replica-validity-factor", "0", // however late, it takes over
				"--repl-diskless-sync-delay", "0",
			}, args...)...)
		}))
	}
	c.meet()
	c.replicate()
	for _, node := range c.nodes {
		c.until("the cluster is ready", func() bool { return clusterReady(node) })
	}
	return c
}

// meet gives the primaries their slots, and has all nodes know each other.
func (c *Cluster) meet() {
	c.t.Helper()
	for i, node := range c.nodes {
		node.Exec("CLUSTER", "SET-CONFIG-EPOCH", i+1) // else they have to agree on who is who
		if i < clusterPrimaries {
			slots := []any{"CLUSTER", "ADDSLOTS"}
			for slot := i * clusterSlots / clusterPrimaries; slot < (i+1)*clusterSlots/clusterPrimaries; slot++ {
				slots = append(slots, slot)
			}
			node.Exec(slots...)
		}
		if i > 0 {
			node.Exec("CLUSTER", "MEET", "127.0.0.1", c.nodes[0].port)
		}
	}
	for _, node := range c.nodes {
		c.until("the nodes know each other", func() bool {
			view := text(node.Exec("CLUSTER", "NODES"))
			return strings.Count(view, "\n") == len(c.nodes) && !strings.Contains(view, "handshake")
		})
	}
}

func (c *Cluster) replicate() {
	c.t.Helper()
	for i, node := range c.nodes[clusterPrimaries:] {
		node.Exec("CLUSTER", "REPLICATE", text(c.nodes[i].Exec("CLUSTER", "MYID")))
	}
}

// clusterReady reports whether a node takes commands and, if a replica, has all of
// its primary's data.
func clusterReady(node *Server) bool {
	replication := text(node.Exec("INFO", "replication"))
	return strings.Contains(text(node.Exec("CLUSTER", "INFO")), "cluster_state:ok") &&
		(strings.Contains(replication, "role:master\r\nconnected_slaves:1") || strings.Contains(replication, "master_link_status:up"))
}

// Addrs returns host:port of every node.
func (c *Cluster) Addrs() (addrs []string) {
	for _, node := range c.nodes {
		addrs = append(addrs, node.Addr())
	}
	return addrs
}

// Primaries returns those who are so at first.
func (c *Cluster) Primaries() []*Server { return c.nodes[:clusterPrimaries] }

// Owner returns the primary that has the key at first, and Heir its replica.
func (c *Cluster) Owner(key string) *Server { return c.nodes[c.shard(key)] }

// Heir returns the replica of [Cluster.Owner].
func (c *Cluster) Heir(key string) *Server { return c.nodes[c.shard(key)+clusterPrimaries] }

func (c *Cluster) shard(key string) int {
	c.t.Helper()
	slot := int(c.nodes[0].Exec("CLUSTER", "KEYSLOT", key).(int64))
	for i := range clusterPrimaries {
		if slot < (i+1)*clusterSlots/clusterPrimaries {
			return i
		}
	}
	panic(slot)
}

// Slot is on its way from one primary to another.
type Slot struct {
	cluster  *Cluster
	number   int64
	from, to *Server
}

// Move begins to move the slot of a key from its [Cluster.Owner] to the next primary: the owner
// serves the keys that it still has, and sends who asks for another to that primary.
func (c *Cluster) Move(key string) *Slot {
	c.t.Helper()
	s := &Slot{
		cluster: c,
		number:  c.nodes[0].Exec("CLUSTER", "KEYSLOT", key).(int64),
		from:    c.Owner(key),
		to:      c.nodes[(c.shard(key)+1)%clusterPrimaries],
	}
	s.to.Exec("CLUSTER", "SETSLOT", s.number, "IMPORTING", s.from.Exec("CLUSTER", "MYID"))
	s.from.Exec("CLUSTER", "SETSLOT", s.number, "MIGRATING", s.to.Exec("CLUSTER", "MYID"))
	return s
}

// To returns the primary to which the slot moves.
func (s *Slot) To() *Server { return s.to }

// Migrate moves keys, or all that there are if none is named. A key that is not there is none.
func (s *Slot) Migrate(keys ...string) {
	s.cluster.t.Helper()
	if len(keys) == 0 {
		found, _ := s.from.Exec("CLUSTER", "GETKEYSINSLOT", s.number, 1000).([]any)
		for _, key := range found {
			keys = append(keys, text(key))
		}
	}
	for _, key := range keys {
		s.from.Exec("MIGRATE", "127.0.0.1", s.to.port, key, 0, startTime.Milliseconds())
	}
}

// Finish moves the keys that are left, until there is none, and tells all nodes whose the slot
// is now.
func (s *Slot) Finish() {
	s.cluster.t.Helper()
	s.cluster.until("all keys have moved", func() bool {
		s.Migrate()
		return s.from.Exec("CLUSTER", "COUNTKEYSINSLOT", s.number) == int64(0)
	})
	owner := s.to.Exec("CLUSTER", "MYID")
	s.to.Exec("CLUSTER", "SETSLOT", s.number, "NODE", owner)
	s.from.Exec("CLUSTER", "SETSLOT", s.number, "NODE", owner)
	s.cluster.until("all nodes know", func() bool {
		for _, node := range s.cluster.nodes {
			if !strings.Contains(text(node.Exec("CLUSTER", "SLOTS")), fmt.Sprintf("[%d %d [127.0.0.1 %d", s.number, s.number, s.to.port)) {
				return false
			}
		}
		return true
	})
}

// Client returns a client of the cluster, with its defaults, closed when t ends.
func (c *Cluster) Client(t testing.TB) *redis.ClusterClient {
	rdb := redis.NewClusterClient(&redis.ClusterOptions{Addrs: c.Addrs()})
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

func (c *Cluster) until(what string, yes func() bool) {
	c.t.Helper()
	until(c.t, what, yes)
}

// until waits for what has to come true.
func until(t testing.TB, what string, yes func() bool) {
	t.Helper()
	for deadline := time.Now().Add(startTime); !yes(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("redis-server: waited %v until %s", startTime, what)
		}
	}
}

func text(reply any) string { return fmt.Sprint(reply) }

// freePortOfNode returns a port that is free together with the one on the bus.
func freePortOfNode(t testing.TB) int {
	t.Helper()
	for range 1000 {
		port := FreePort(t)
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port+clusterBus)); err == nil {
			_ = l.Close()
			return port
		}
	}
	t.Fatal("no two free ports")
	return 0
}
