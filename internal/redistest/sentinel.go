package redistest

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// MasterName is what the sentinels of [StartSentinel] call what they watch.
const MasterName = "main"

const (
	sentinelCount = 3
	// downAfter is how long a server may be silent before the sentinels agree that
	// it is down.
	downAfter = time.Second
	// failoverTimeout bounds the steps of a failover, and paces the attempts.
	failoverTimeout = 5 * time.Second
)

// Sentinel is a primary with a replica, and three sentinels that watch them.
type Sentinel struct {
	t         testing.TB
	servers   []*Server // the primary first
	sentinels []*Server
}

// StartSentinel starts them all, waits until a failover is possible, which takes
// some seconds, and stops them when the test ends. Without redis-server it does as
// [StartServer].
func StartSentinel(t testing.TB) *Sentinel {
	t.Helper()
	s := &Sentinel{t: t, servers: []*Server{StartServer(t, "--repl-diskless-sync-delay", "0")}}
	primary := s.servers[0]
	replica := StartReplica(t, primary)
	s.servers = append(s.servers, replica)
	for range sentinelCount {
		watch := startServer(t, FreePort, func(s *Server) []string {
			// It keeps its notes in its configuration, so it needs a file.
			config := filepath.Join(s.dir, "sentinel.conf")
			if err := os.WriteFile(config, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			return slices.Concat([]string{config, "--sentinel"}, s.usual())
		})
		watch.Exec("SENTINEL", "MONITOR", MasterName, "127.0.0.1", primary.port, 2)
		watch.Exec("SENTINEL", "SET", MasterName,
			"down-after-milliseconds", downAfter.Milliseconds(), "failover-timeout", failoverTimeout.Milliseconds())
		s.sentinels = append(s.sentinels, watch)
	}
	for _, watch := range s.sentinels {
		until(t, "the sentinels know each other and the replica", func() bool {
			others, _ := watch.Exec("SENTINEL", "SENTINELS", MasterName).([]any)
			replicas, _ := watch.Exec("SENTINEL", "REPLICAS", MasterName).([]any)
			return len(others) == sentinelCount-1 && len(replicas) == 1 && sound(replicas[0])
		})
	}
	return s
}

// sound reports whether a sentinel takes a replica for one to be promoted.
func sound(replica any) bool {
	facts, _ := replica.(map[any]any)
	return facts["flags"] == "slave" && facts["master-link-status"] == "ok"
}

// StartReplica starts a replica of a server and waits until it has all data.
func StartReplica(t testing.TB, primary *Server) *Server {
	t.Helper()
	replica := StartServer(t, "--replicaof", "127.0.0.1 "+strconv.Itoa(primary.port), "--repl-diskless-sync-delay", "0")
	until(t, "the replica is in step", func() bool {
		return strings.Contains(text(replica.Exec("INFO", "replication")), "master_link_status:up")
	})
	return replica
}

// Addrs returns host:port of the sentinels.
func (s *Sentinel) Addrs() (addrs []string) {
	for _, watch := range s.sentinels {
		addrs = append(addrs, watch.Addr())
	}
	return addrs
}

// Primary returns the server that is so at first, and Replica the other.
func (s *Sentinel) Primary() *Server { return s.servers[0] }

// Replica returns the other server.
func (s *Sentinel) Replica() *Server { return s.servers[1] }

// Failover has the sentinels promote the replica though nothing is wrong. It does
// not wait until they have.
func (s *Sentinel) Failover() {
	s.t.Helper()
	s.sentinels[0].Exec("SENTINEL", "FAILOVER", MasterName)
}

// Sentinels returns those who watch.
func (s *Sentinel) Sentinels() []*Server { return s.sentinels }

// Client returns a client that asks the sentinels for the primary, with its
// defaults, closed when t ends.
func (s *Sentinel) Client(t testing.TB, mods ...func(*redis.FailoverOptions)) *redis.Client {
	o := &redis.FailoverOptions{MasterName: MasterName, SentinelAddrs: s.Addrs()}
	for _, mod := range mods {
		mod(o)
	}
	rdb := redis.NewFailoverClient(o)
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}
