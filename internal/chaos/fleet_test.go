//go:build unix

package chaos

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// size of the fleet.
const size = 20

// fleet is the replicas, all they meet, and what is known of them.
type fleet struct {
	t       *testing.T
	began   time.Time
	longest time.Duration
	redis   *redistest.Server
	proxies []*redistest.Proxy // by place
	desk    *desk
	watch   *watch
	running []*running // by place

	finished bool // the run came to its end

	mu      sync.Mutex // guards history
	history history
}

// running is a process with what belongs to it.
type running struct {
	*process
	cmd   *exec.Cmd
	stdin interface{ Close() error }
	gone  chan struct{}
}

func newFleet(t *testing.T, longest time.Duration) *fleet {
	f := &fleet{
		t: t, began: time.Now(), longest: longest, redis: redistest.StartServer(t), desk: newDesk(t),
		running: make([]*running, size), history: history{Pairs: map[string]pair{}},
	}
	for range size {
		f.proxies = append(f.proxies, redistest.NewProxy(t, f.redis.Addr()))
	}
	f.watch = newWatch(f)
	t.Cleanup(f.killAll)
	for place := range size {
		f.start(place)
	}
	return f
}

func (f *fleet) now() time.Duration { return f.at(time.Now()) }

func (f *fleet) at(t time.Time) time.Duration { return (&recorder{began: f.began}).at(t) }

// start has a new process take a place.
func (f *fleet) start(place int) {
	f.t.Helper()
	a := f.assignment(place)
	text, err := json.Marshal(a)
	require.NoError(f.t, err)
	executable, err := os.Executable()
	require.NoError(f.t, err)
	cmd := exec.Command(executable)
	cmd.Env = append(os.Environ(), assignmentEnv+"="+string(text))
	stderr := &bytes.Buffer{}
	cmd.Stderr = stderr
	stdin, err := cmd.StdinPipe()
	require.NoError(f.t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(f.t, err)
	require.NoError(f.t, cmd.Start())

	r := &running{process: &process{Number: a.Number, Place: place}, cmd: cmd, stdin: stdin, gone: make(chan struct{})}
	f.mu.Lock()
	f.history.Processes = append(f.history.Processes, r.process)
	f.mu.Unlock()
	f.running[place] = r
	go func() {
		defer close(r.gone)
		f.listen(r.process, bufio.NewScanner(stdout))
		f.bury(r, cmd.Wait(), stderr)
	}()
}

func (f *fleet) assignment(place int) assignment {
	f.mu.Lock()
	defer f.mu.Unlock()
	return assignment{
		Number: len(f.history.Processes) + 1, Place: place, Began: f.began, Longest: f.longest,
		Redis: f.proxies[place].Addr(), Issuer: f.desk.url, AppID: f.desk.AppID(), Secret: f.desk.AppSecret(),
	}
}

// listen takes down what a process tells, until it is dead.
func (f *fleet) listen(p *process, lines *bufio.Scanner) {
	for lines.Scan() {
		var r record
		err := json.Unmarshal(lines.Bytes(), &r)
		f.mu.Lock()
		if err == nil {
			p.take(r)
		} else if p.Killed == 0 {
			p.Trouble = "told something that is no record"
		}
		f.mu.Unlock()
	}
}

// bury notes how a process ended, if it was not killed by us.
func (f *fleet) bury(r *running, err error, stderr *bytes.Buffer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil && r.Killed == 0 {
		text := stderr.Bytes()
		r.Trouble = fmt.Sprintf("ended by itself: %v: %s", err, text[:min(len(text), 2000)])
	}
}

// kill is kill -9.
func (f *fleet) kill(place int) {
	r := f.running[place]
	f.mu.Lock()
	r.Killed = f.now()
	f.mu.Unlock()
	_ = r.cmd.Process.Kill()
	if !r.isGone(untilDead) {
		f.trouble(fmt.Sprintf("process %d (replica %d) is not dead %v after kill -9", r.Number, r.Place, untilDead))
	}
	_ = r.stdin.Close()
}

// untilDead is more than a process needs to die of kill -9, on any machine.
const untilDead = 20 * time.Second

// isGone waits for the end of a process.
func (r *running) isGone(within time.Duration) bool {
	select {
	case <-r.gone:
		return true
	case <-time.After(max(within, time.Millisecond)): // some time, for who is gone already
		return false
	}
}

// stop is SIGSTOP, for a while. What is noted is for how long the process stood still
// at least.
func (f *fleet) stop(place int, d time.Duration) {
	r := f.running[place]
	_ = r.cmd.Process.Signal(syscall.SIGSTOP)
	from := f.now()
	time.Sleep(d)
	to := f.now()
	_ = r.cmd.Process.Signal(syscall.SIGCONT)
	f.mu.Lock()
	defer f.mu.Unlock()
	r.Stops = append(r.Stops, period{from, to})
}

// end tells all processes to end, and gives them the time that a last Get may take.
func (f *fleet) end() {
	for _, r := range f.running {
		_ = r.stdin.Close()
	}
	over := time.Now().Add(patience + life)
	for _, r := range f.running {
		r.isGone(time.Until(over)) // who is not has not said that it ends
	}
}

// killAll leaves nobody behind, stopped ones neither.
func (f *fleet) killAll() {
	for _, r := range f.running {
		if r != nil {
			_ = r.cmd.Process.Kill()
		}
	}
	over := time.Now().Add(untilDead)
	for _, r := range f.running {
		if r != nil && !r.isGone(time.Until(over)) {
			f.t.Errorf("process %d (replica %d) is left behind", r.Number, r.Place)
		}
	}
}

// with looks at the history, to which the processes add all the time. The issuer's
// record becomes part of it.
func (f *fleet) with(look func(h *history)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	h := &f.history
	h.Calls = h.Calls[:0]
	for _, c := range f.desk.Calls() {
		h.Calls = append(h.Calls, call{At: f.at(c.Answered), Left: c.Remaining, Granted: c.Granted(), Minted: c.Minted})
	}
	for _, p := range f.desk.Pairs() {
		name := nameOf(tokencache.NewToken(p.App, p.Tenant, life))
		h.Pairs[name] = pair{f.at(p.Minted), f.at(p.End)}
	}
	look(h)
}

// soon waits until the history is as it should be, and reports whether it came to that.
func (f *fleet) soon(within time.Duration, is func(h *history) bool) (ok bool) {
	for deadline := time.Now().Add(within); !ok && time.Now().Before(deadline); {
		f.with(func(h *history) { ok = is(h) })
		if !ok {
			time.Sleep(50 * time.Millisecond)
		}
	}
	return ok
}
