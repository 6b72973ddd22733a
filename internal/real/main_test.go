package real

import (
	"flag"
	"os"
	"testing"
)

// The tests wait far more than they compute, so more of them run side by side than
// there are processors.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
