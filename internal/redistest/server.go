package redistest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// RequireEnv names the variable that, set to 1, makes a missing redis-server a
// failure instead of a reason to skip.
const RequireEnv = "ONETOKEN_REQUIRE_REDIS"

const (
	startTime = 30 * time.Second // until a server has to answer
	portTries = 5
)

// Server is a real redis-server of a test's own, on loopback, empty and without
// persistence. Its methods are not for concurrent use.
type Server struct {
	t    testing.TB
	dir  string
	port int
	args func(s *Server) []string
	env  []string // besides that of the test

	process *exec.Cmd
	exited  chan struct{}
	output  Output
}

// StartServer starts a redis-server with further arguments, such as
// "--maxmemory", "2mb", and stops it when the test ends. Without redis-server
// on the PATH the test is skipped, or fails: see [RequireEnv].
func StartServer(t testing.TB, args ...string) *Server {
	t.Helper()
	return startServer(t, FreePort, func(s *Server) []string { return slices.Concat(s.usual(), args) })
}

// startServer tries ports until one is still free. The arguments may depend on the
// port and the folder.
func startServer(t testing.TB, FreePort func(testing.TB) int, args func(*Server) []string) *Server {
	t.Helper()
	requireBinary(t)
	dir, err := os.MkdirTemp("", "redis") // TempDir's path is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, dir: dir, args: args}
	t.Cleanup(s.cleanup)
	for range portTries {
		s.port = FreePort(t)
		if err = s.start(); err == nil {
			return s
		}
	}
	t.Fatalf("redis-server: %v", err)
	return nil
}

func requireBinary(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err == nil {
		return
	}
	if os.Getenv(RequireEnv) == "1" {
		t.Fatal("redis-server is not installed, but " + RequireEnv + "=1")
	}
	t.Skip("redis-server is not installed")
}

// Addr returns host:port.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// URL returns what redis.ParseURL takes.
func (s *Server) URL() string { return "redis://" + s.Addr() + "/0" }

// Socket returns the path of the server's unix socket.
func (s *Server) Socket() string { return filepath.Join(s.dir, "s") }

// Client returns a client of the server, closed when t ends.
func (s *Server) Client(t testing.TB, mods ...func(*redis.Options)) *redis.Client {
	return newClient(t, s.Addr(), mods...)
}

// Exec runs one command, which has to succeed, and returns the reply. It has no
// password.
func (s *Server) Exec(args ...any) any {
	s.t.Helper()
	c := redis.NewClient(&redis.Options{Network: "unix", Addr: s.Socket()})
	defer func() { _ = c.Close() }()
	reply, err := c.Do(context.Background(), args...).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		s.t.Fatalf("redis-server: %v: %v", args, err)
	}
	return reply
}

// Kill ends the process at once, as kill -9 does. Nothing is stored.
func (s *Server) Kill() {
	_ = s.process.Process.Kill()
	<-s.exited
}

// Restart kills the server, if it runs, and starts an empty one on its port.
func (s *Server) Restart() {
	s.t.Helper()
	s.Kill()
	var err error
	for range portTries {
		if err = s.start(); err == nil {
			return
		}
	}
	s.t.Fatalf("redis-server: restart: %v", err)
}

// Pause stops the process, so that it takes connections but answers nothing,
// until Continue. Where there is no SIGSTOP the test is skipped.
func (s *Server) Pause() {
	s.t.Helper()
	pause(s.t, s.process.Process)
}

// Continue ends a Pause.
func (s *Server) Continue() {
	s.t.Helper()
	resume(s.t, s.process.Process)
}

// start starts a process and waits until it answers. It asks over the unix
// socket, which the server opens after the port: on the port somebody else
// might answer.
func (s *Server) start() error {
	_ = os.Remove(s.Socket())
	s.process = exec.Command("redis-server", s.args(s)...)
	s.process.Env = append(os.Environ(), s.env...)
	s.process.Stdout, s.process.Stderr = &s.output, &s.output
	if err := s.process.Start(); err != nil {
		return err
	}
	s.exited = make(chan struct{})
	go func(process *exec.Cmd, exited chan struct{}) {
		_ = process.Wait()
		close(exited)
	}(s.process, s.exited)
	return s.await()
}

// usual are the arguments of every server. Those that follow them win.
func (s *Server) usual() []string {
	return []string{
		"--port", strconv.Itoa(s.port), "--bind", "127.0.0.1",
		"--unixsocket", s.Socket(), "--dir", s.dir,
		"--save", "", "--appendonly", "no",
	}
}

func (s *Server) await() error {
	for deadline := time.Now().Add(startTime); time.Now().Before(deadline); {
		select {
		case <-s.exited:
			return fmt.Errorf("ended at once: %s", s.output.last())
		case <-time.After(10 * time.Millisecond):
		}
		if answers(s.Socket()) {
			return nil
		}
	}
	s.Kill()
	return errors.New("does not answer")
}

// answers reports whether there is a server that is ready; one that wants a
// password is.
func answers(socket string) bool {
	conn, err := net.DialTimeout("unix", socket, time.Second)
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(time.Second))
	_, _ = io.WriteString(conn, "PING\r\n")
	reply, err := bufio.NewReader(conn).ReadString('\n')
	return err == nil && !strings.HasPrefix(reply, "-LOADING")
}

func (s *Server) cleanup() {
	if s.process != nil && s.process.Process != nil {
		s.Kill()
	}
	if s.t.Failed() {
		s.t.Logf("redis-server at %s:\n%s", s.Addr(), s.output.last())
	}
	_ = os.RemoveAll(s.dir)
}

// FreePort returns a port of this host that was free a moment ago. It is below those that systems give
// to connections, of which the tests beside this one make many: none takes it meanwhile. So is the one
// that a node of a Cluster has as well.
func FreePort(t testing.TB) int {
	t.Helper()
	const first, ports = 16384, 32768 - clusterBus - 16384
	for range 1000 {
		port := first + rand.IntN(ports)
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			_ = l.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

// Output keeps what is written to it by one goroutine or process, and read by another: what processes
// print, or a log. The zero value is empty.
type Output struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

// String returns all of it.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// last returns the end of it.
func (o *Output) last() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	text := o.text.Bytes()
	return string(text[max(0, len(text)-2000):])
}
