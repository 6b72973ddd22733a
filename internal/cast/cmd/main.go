// Command cmd runs the demo of the given binary on a terminal, and draws it into a file: cmd BINARY FILE.
package main

import (
	"context"
	"errors"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/onetoken-go/onetoken/internal/cast"
)

const (
	step  = 200 * time.Millisecond // between two frames
	rest  = 8 * time.Second        // to read the summary
	limit = 2 * time.Minute        // for the demo
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

// run writes the file only if the demo kept its promises. The shortest life of a token brings the kill soon.
func run(ctx context.Context, args []string) error {
	if len(args) != 2 {
		return errors.New("usage: cmd BINARY FILE")
	}
	ctx, stop := context.WithTimeout(ctx, limit)
	defer stop()
	frames, err := cast.Record(ctx, args[0], "demo", "--life", "10s", "--for", "24s")
	if err != nil {
		return err
	}
	return os.WriteFile(args[1], cast.Draw(cast.Picture{
		Title:   "onetoken demo: fifty replicas share one token, and survive a kill",
		Command: "onetoken demo --life 10s --for 24s",
		Frames:  cast.Thin(frames, step),
		Rest:    rest,
	}), 0o644)
}
