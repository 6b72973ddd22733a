package alerts_test

import (
	"context"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/oauth2test"
	"github.com/onetoken-go/onetoken/internal/alerts"
	"github.com/onetoken-go/onetoken/internal/redistest"
)

// stage is where a trouble is rehearsed: an issuer, a Redis, and services on them, which are scraped again and again.
type stage struct {
	t      *testing.T
	dir    string
	redis  *redistest.Server
	issuer *oauth2test.Issuer
	server *httptest.Server
	window time.Duration
	asked  chan struct{} // the issuer has been, by now
	pace   time.Duration // of the scrapes

	mu        sync.Mutex // guards the rest
	services  map[string]*process
	recording alerts.Recording
	before    int        // rounds before the trouble
	scraped   *sync.Cond // a round is over
}

const (
	clientID     = "cli_crm"
	issuerSecret = "secret-of-crm-at-the-issuer"
	doorSecret   = "secret-of-billing-at-the-door"
)

// newStage has an issuer whose tokens live so long, of which the last part is the window in which there is another.
func newStage(t *testing.T, life, window time.Duration) *stage {
	t.Helper()
	s := &stage{t: t, dir: t.TempDir(), redis: redistest.StartServer(t), window: window, asked: make(chan struct{}), services: map[string]*process{}}
	s.scraped = sync.NewCond(&s.mu)
	s.issuer = oauth2test.New(oauth2test.Config{Life: life, OnRequest: s.isAsked, Clients: []oauth2test.Client{{ID: clientID, Secret: issuerSecret}}})
	s.server = httptest.NewServer(s.issuer)
	t.Cleanup(func() {
		s.server.CloseClientConnections()
		s.server.Close()
	})
	s.write("crm", issuerSecret)
	s.write("billing", doorSecret)
	s.write("onetoken.yaml", s.configuration())
	return s
}

// isAsked tells whoever waits for it.
func (s *stage) isAsked() {
	select {
	case s.asked <- struct{}{}:
	default:
	}
}

func (s *stage) write(name, content string) {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	require.NoError(s.t, os.WriteFile(path+".new", []byte(content), 0o600))
	require.NoError(s.t, os.Rename(path+".new", path))
}

func (s *stage) configuration() string {
	return fmt.Sprintf(`redis: {url: %q}
credentials:
  - {name: %s, kind: oauth2, token_url: %q, client_id: %s, client_secret_file: crm, window: %v}
status: {listen: "127.0.0.1:0"}
tokens:
  listen: "127.0.0.1:0"
  clients:
    - {name: billing, secret_file: billing, rate: 100000, credentials: [%[2]s]}
`, s.redis.URL(), alerts.Credential, s.server.URL+"/token", clientID, s.window)
}

var listensAt = regexp.MustCompile(`(status|tokens): listens on (http\S+)\n`)

// start starts a service that Prometheus knows by that instance, on the configuration in that file.
func (s *stage) start(instance, file string) *process {
	s.t.Helper()
	cmd := exec.Command(binary, "refresher", "--config", filepath.Join(s.dir, file))
	cmd.Env = []string{"HOME=" + s.dir}
	for _, name := range []string{"SYSTEMROOT", "TMPDIR", "TEMP"} {
		if value, ok := os.LookupEnv(name); ok {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	r := &process{t: s.t, cmd: cmd, stderr: &redistest.Output{}}
	cmd.Stderr, cmd.Stdout = r.stderr, r.stderr
	require.NoError(s.t, cmd.Start())
	s.t.Cleanup(r.kill)
	require.Eventually(s.t, func() bool {
		return len(listensAt.FindAllString(r.stderr.String(), -1)) == 2
	}, 30*time.Second, 10*time.Millisecond, "%s", r.stderr)
	for _, at := range listensAt.FindAllStringSubmatch(r.stderr.String(), -1) {
		if at[1] == "status" {
			r.status = at[2]
		} else {
			r.tokens = at[2]
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.services[instance] = r
	return r
}

// forget has an instance be scraped no longer.
func (s *stage) forget(instance string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.services, instance)
}

// record scrapes all services at that pace until the test ends.
func (s *stage) record(pace time.Duration, rules []alerts.Rule) {
	s.t.Helper()
	s.pace = pace
	named, err := alerts.Named(rules)
	require.NoError(s.t, err)
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for tick := time.NewTicker(pace); ; {
			select {
			case <-over:
				tick.Stop()
				return
			case <-tick.C:
				s.scrape(named)
			}
		}
	}()
	s.t.Cleanup(func() {
		close(over)
		<-ended
	})
}

func (s *stage) scrape(named []string) {
	s.mu.Lock()
	services := maps.Clone(s.services)
	s.mu.Unlock()
	var mu sync.Mutex // guards round
	round := map[string][]alerts.Sample{}
	var all sync.WaitGroup
	for instance, r := range services {
		all.Go(func() {
			if samples, ok := r.samples(named); ok {
				mu.Lock()
				defer mu.Unlock()
				round[instance] = samples
			}
		})
	}
	all.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recording.Add(alerts.Job, round)
	s.scraped.Broadcast()
}

// pass waits for so many rounds.
func (s *stage) pass(rounds int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for end := s.recording.Scrapes() + rounds; s.recording.Scrapes() < end; {
		s.scraped.Wait()
	}
}

// longest is how many rounds anything may take.
const longest = 120

// await waits until it is so, looking after every round.
func (s *stage) await(what string, is func() bool) {
	s.t.Helper()
	for range longest {
		if is() {
			return
		}
		s.pass(1)
	}
	require.Fail(s.t, "this never was so: "+what, "%s", s.logs())
}

func (s *stage) logs() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all strings.Builder
	for instance, r := range s.services {
		fmt.Fprintf(&all, "%s:\n%s\n", instance, r.stderr)
	}
	return all.String()
}

// begins marks the moment before the trouble: all has been well for a few rounds.
func (s *stage) begins() {
	s.pass(3)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = s.recording.Scrapes() - 1
}

// holdLock has a stranger hold the lock of the credential, and do nothing with it, until it is released.
func (s *stage) holdLock() (release func()) {
	s.t.Helper()
	c := s.redis.Client(s.t)
	keys := c.Keys(s.t.Context(), "*:token").Val()
	require.Len(s.t, keys, 1)
	lock := strings.TrimSuffix(keys[0], "token") + "lock"
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for tick := time.NewTicker(100 * time.Millisecond); ; {
			c.Set(context.Background(), lock, "a stranger's", 2*time.Second)
			select {
			case <-over:
				tick.Stop()
				return
			case <-tick.C:
			}
		}
	}()
	return sync.OnceFunc(func() {
		close(over)
		<-ended
	})
}
