package alerts_test

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/onetoken-go/onetoken/internal/built"
)

var binary string

// atOnce is how many tests run side by side, whatever the number of processors: a rehearsal does little but wait.
const atOnce = "20"

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", atOnce); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(built.Run(m, "../..", &binary))
}
