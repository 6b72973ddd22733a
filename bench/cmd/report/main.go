// Command report makes the documents on speed of a results file:
//
//	go run ./cmd/report results/latest.json ../docs
package main

import (
	"fmt"
	"os"

	"github.com/onetoken-go/onetoken/bench/report"
	"github.com/onetoken-go/onetoken/bench/results"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: report results.json docs")
	}
	f, err := results.Load(args[0])
	if err != nil {
		return err
	}
	return report.Write(f, args[1])
}
