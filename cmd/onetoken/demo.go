package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/onetoken-go/onetoken/internal/demo"
)

func (a *app) demoCommand() *cobra.Command {
	var c demo.Config
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show a fleet that shares one token, and survives a kill",
		Long: "Show a fleet that shares one token. Everything is in this process: Redis, an\n" +
			"issuer that keeps to Feishu's rules, and replicas with a cache and connections\n" +
			"of their own, all reading. At the first refresh the replica that holds the lock\n" +
			"is killed in the middle of its call, as if by kill -9; another takes over.\n\n" +
			"Nothing is read from the environment. The summary is by the issuer's counters.\n" +
			"Exit status 1: more successful calls than rotations and the kill, a Get that\n" +
			"failed, or one that waited in a replica that had held a token.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := usage(validateDemo(c)); err != nil {
				return err
			}
			c.Out, c.Term, c.Logger = a.stdout, a.getenv("TERM"), a.logger
			return demo.Run(cmd.Context(), c)
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&c.Replicas, "replicas", 50, "how many replicas read")
	flags.DurationVar(&c.Life, "life", 20*time.Second, "life of a token, in whole seconds; the issuer's window is a quarter of it")
	flags.DurationVar(&c.Length, "for", time.Minute, "how long it runs; longer than the life")
	return cmd
}

// validateDemo complains of flags.
func validateDemo(c demo.Config) error {
	var errs []error
	if c.Replicas < 1 || c.Replicas > demo.MaxReplicas {
		errs = append(errs, fmt.Errorf("--replicas has to be between 1 and %d", demo.MaxReplicas))
	}
	if c.Life < demo.MinLife || c.Life > demo.MaxLife || c.Life%time.Second != 0 {
		errs = append(errs, fmt.Errorf("--life has to be whole seconds between %v and %v", demo.MinLife, demo.MaxLife))
	}
	if c.Length <= c.Life {
		errs = append(errs, errors.New("--for has to be longer than --life, or there is no rotation to see"))
	}
	return errors.Join(errs...)
}
