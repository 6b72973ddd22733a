package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/onetoken-go/onetoken/internal/service/config"
	"github.com/onetoken-go/onetoken/internal/service/remote"
	"github.com/onetoken-go/onetoken/tokencache"
)

// FileConfig is what is examined of a service: its configuration file, what that names, and the fleet.
type FileConfig struct {
	Path       string
	Complaints error          // about the file; with any nothing is examined
	File       *config.Config // nil with Complaints

	Redis      redis.UniversalClient // may be connected to nothing yet; the caller closes it
	Place      string                // where that is, without secrets
	Unverified bool                  // anybody's certificate will do for it
	Cache      tokencache.Config     // of a replica; Observe is set

	Ask      bool              // issuers are asked for a token where Redis has none
	Services []*remote.Service // to ask besides the one of the file
	Version  string            // of this command

	Out  io.Writer
	JSON bool              // one object in the end, instead of lines
	Say  func(line string) // to a person who waits
}

// ExamineFile is [Examine] for a configuration file: every credential, client and listener, the secrets' files, Redis,
// the issuers, and what can be known of the fleet.
func ExamineFile(ctx context.Context, deadline time.Time, c FileConfig) error {
	chart := &chart{out: c.Out, json: c.JSON, keys: true}
	if c.Complaints != nil {
		if c.JSON {
			chart.add(finding{"configuration", checkFail, strings.ReplaceAll(c.Complaints.Error(), "\n", "; "), "mend the file: docs/service.md"})
			return errors.Join(c.Complaints, chart.end())
		}
		return c.Complaints // every one has a line there
	}
	x := &fileExam{FileConfig: c, chart: chart, patient: newPatient(Config{
		Redis: c.Redis, Place: c.Place, Unverified: c.Unverified, Cache: c.Cache, Say: c.Say,
	})}
	bounded, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	x.examine(bounded)
	x.patient.finishCalls()
	if err := chart.end(); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	return chart.err()
}

// fileExam is one examination. Later checks find in it what earlier ones have learnt.
type fileExam struct {
	FileConfig
	chart   *chart
	patient *patient

	redisClock   clock
	issuerClocks map[string]clock             // by URL
	seen         map[string]tokencache.Status // by name; nil: Redis did not tell
	unseen       string                       // why it did not
	own          *witnessed                   // the service of the file; nil: none answers
	unheard      error                        // why none answers; nil: there is no address to ask, or one does
	others       []witnessed                  // that Services are
}

// examine makes the checks in turn.
func (x *fileExam) examine(ctx context.Context) {
	x.configuration()
	x.secretFiles()
	redis, contact := x.patient.redisCheck(ctx)
	x.redisClock = contact.clock
	x.chart.add(redis)
	x.patient.redisFacts(ctx, x.chart, redis, contact.slow())
	x.issuers(ctx)
	x.ownService(ctx)
	x.credentials(ctx, redis.failed())
	x.listeners(ctx)
	x.clients()
	x.services(ctx)
	x.versions()
	x.refreshers()
	x.clocks()
}

func (x *fileExam) configuration() {
	off := 0
	for _, c := range x.File.Credentials {
		if c.Disabled {
			off++
		}
	}
	f := finding{Name: "configuration", Status: checkOK, Found: fmt.Sprintf("%s, %s, redis %s, prefix %s",
		counted(len(x.File.Credentials), "credential"), counted(len(x.File.Tokens.Clients)+len(x.File.Gateway.Clients), "client"), x.Place, x.patient.Cache.Prefix)}
	if off > 0 {
		f.Found += fmt.Sprintf(", %d disabled", off)
	}
	if x.Unverified {
		f = f.warn("redis' certificate is not verified", "leave skip_verify out of redis.url, and name its authority in redis.tls.ca_file")
	}
	x.chart.addOf(x.Path, f)
	for _, warning := range x.File.Warnings {
		what, todo, _ := strings.Cut(warning.Text, ": ")
		x.chart.addOf(warning.Path, finding{"configuration", checkWarn, what, todo})
	}
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
