package bench_test

import (
	"bufio"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
)

// auditor asks a server for its own account, over a connection that says nothing but INFO.
type auditor struct {
	t    *testing.T
	rdb  *redis.Client
	idle float64 // microseconds that the server works in a second in which nobody says anything
}

func newAuditor(t *testing.T, server *redistest.Server) *auditor {
	rdb := redis.NewClient(&redis.Options{Network: "unix", Addr: server.Socket(), PoolSize: 1})
	t.Cleanup(func() { assert.NoError(t, rdb.Close()) })
	a := &auditor{t: t, rdb: rdb}
	a.info("used_cpu_sys") // the connection is open
	return a
}

// rest measures what the server does by itself, with the connections that it has: bills
// are without it from then on.
func (a *auditor) rest() {
	a.t.Helper()
	a.idle = 0
	before := a.now()
	time.Sleep(time.Duration(sized(1000, 20)) * time.Millisecond)
	b := a.since(before)
	a.idle = b.micros / b.took.Seconds()
}

// account is what a server has done since it was started.
type account struct {
	at             time.Time
	micros         float64        // of CPU
	calls          map[string]int // of commands, by name, in lower case; those within scripts too
	received, sent float64        // bytes
}

// now asks for the CPU last, so that the cost of asking is not in the bill.
func (a *auditor) now() account {
	a.t.Helper()
	out := a.counts()
	out.micros, out.at = a.micros(), time.Now()
	return out
}

func (a *auditor) counts() account {
	a.t.Helper()
	out := account{received: a.info("total_net_input_bytes"), sent: a.info("total_net_output_bytes"), calls: map[string]int{}}
	for _, line := range cmdstat.FindAllStringSubmatch(a.section("commandstats"), -1) {
		calls, err := strconv.Atoi(line[2])
		require.NoError(a.t, err)
		out.calls[line[1]] = calls
	}
	return out
}

var cmdstat = regexp.MustCompile(`(?m)^cmdstat_([^:]+):calls=(\d+)`)

// micros is the time that the server has worked.
func (a *auditor) micros() float64 {
	a.t.Helper()
	text := a.section("cpu")
	return 1e6 * (a.number(text, "used_cpu_sys") + a.number(text, "used_cpu_user"))
}

// bill is what a server has done between two moments.
type bill struct {
	took           time.Duration
	micros         float64 // of CPU, less what it would have worked anyway
	scripts        int     // EVALSHA, EVAL and FCALL
	all            int     // commands that it ran, those within scripts too, but for INFO and what sets up a connection
	said           int     // of these, commands that only clients say: scripts, PUBLISH, SUBSCRIBE, PING
	received, sent float64 // bytes, those of asking among them
}

// since asks for the CPU first.
func (a *auditor) since(before account) bill {
	a.t.Helper()
	took, micros := time.Since(before.at), a.micros()-before.micros
	after := a.counts()
	b := bill{
		took:     took,
		micros:   max(0, micros-a.idle*took.Seconds()),
		received: after.received - before.received, sent: after.sent - before.sent,
	}
	for name, calls := range after.calls {
		calls -= before.calls[name]
		switch name, _, _ := strings.Cut(name, "|"); name {
		case "info", "hello", "auth", "select", "client":
		case "evalsha", "eval", "evalsha_ro", "eval_ro", "fcall", "fcall_ro":
			b.scripts += calls
			b.said += calls
			b.all += calls
		case "publish", "subscribe", "unsubscribe", "ping":
			b.said += calls
			b.all += calls
		default:
			b.all += calls
		}
	}
	return b
}

// info returns a number from INFO.
func (a *auditor) info(name string) float64 {
	a.t.Helper()
	return a.number(a.section("everything"), name)
}

func (a *auditor) number(text, name string) float64 {
	a.t.Helper()
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), name+":"); ok {
			number, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			require.NoError(a.t, err)
			return number
		}
	}
	require.Fail(a.t, "INFO does not tell "+name)
	return 0
}

func (a *auditor) section(name string) string {
	a.t.Helper()
	text, err := a.rdb.Info(a.t.Context(), name).Result()
	require.NoError(a.t, err)
	return text
}

// A bill has what was said meanwhile, by whomever, and what scripts ran; not the auditor's own
// words, nor those that set up a connection.
func TestBill(t *testing.T) {
	server := redistest.StartServer(t)
	a, rdb := newAuditor(t, server), server.Client(t)
	a.rest()
	before := a.now()
	require.NoError(t, rdb.Set(t.Context(), "k", "v", 0).Err())
	for range 3 {
		require.NoError(t, rdb.Eval(t.Context(), `return redis.call('GET', KEYS[1])`, []string{"k"}).Err())
	}
	require.NoError(t, rdb.Publish(t.Context(), "events", "T").Err())
	b := a.since(before)
	assert.Equal(t, 3, b.scripts)
	assert.Equal(t, 4, b.said, "the scripts and the PUBLISH")
	assert.Equal(t, 8, b.all, "a SET, three GETs of scripts and those")
	assert.Positive(t, b.received)
	assert.GreaterOrEqual(t, b.micros, 0.0)

	quiet := a.since(a.now())
	assert.Zero(t, quiet.all)
}
