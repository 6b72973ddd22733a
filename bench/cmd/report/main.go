// Command report makes the documents on speed of a results file, and says which
// figures are missed:
//
//	go run ./cmd/report results/latest.json ../docs
package main

import (
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/onetoken-go/onetoken/bench/report"
	"github.com/onetoken-go/onetoken/bench/results"
)

func main() {
	if err := run(os.Args[1:], os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string, stderr io.Writer) error {
	flags := flag.NewFlagSet("report", flag.ContinueOnError)
	flags.SetOutput(stderr)
	trial := flags.Bool("trial", false, fmt.Sprintf("take results of fewer than %d runs", report.Enough))
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 2 {
		return fmt.Errorf("usage: report [-trial] results.json docs")
	}
	f, err := results.Load(flags.Arg(0))
	if err != nil {
		return err
	}
	if f.Runs < report.Enough && !*trial {
		return fmt.Errorf("report: %d runs are a trial, not a result: give -trial", f.Runs)
	}
	if err := report.Write(f, flags.Arg(1)); err != nil {
		return err
	}
	for _, c := range report.Claims(f) {
		if !c.Holds() {
			_, _ = fmt.Fprintf(stderr, "missed: %s: at most %v, found %v %s\n", c.What, c.Limit, c.Found, c.Unit)
		}
	}
	return nil
}
