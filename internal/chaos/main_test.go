//go:build unix

package chaos

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"
)

var (
	runFor  = flag.Duration("chaos.for", 10*time.Second, "how long faults are begun; from 1m on every kind has to come")
	runSeed = flag.Uint64("chaos.seed", 0, "of the faults; 0 draws one")
)

// lastWords is the report, to be printed when the tests have said everything else.
var lastWords string

// TestMain is the replicas', too: each is this binary with an assignment.
func TestMain(m *testing.M) {
	if a, ok := assigned(); ok {
		os.Exit(replica(a))
	}
	code := m.Run()
	fmt.Print(lastWords)
	os.Exit(code)
}
