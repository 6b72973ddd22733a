package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// choice is a flag with a fixed set of values.
type choice struct {
	value string
	of    []string
}

func (c *choice) String() string  { return c.value }
func (c *choice) Type() string    { return "name" }
func (c *choice) options() string { return strings.Join(c.of, ", ") }

// Set is how pflag hands over what was typed.
func (c *choice) Set(s string) error {
	if slices.Contains(c.of, s) {
		c.value = s
		return nil
	}
	return fmt.Errorf("one of %s", c.options())
}

// complete offers the values to the shell.
func (c *choice) complete(cmd *cobra.Command, flag string) {
	// It only fails for a flag that does not exist or is registered twice.
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(c.of, cobra.ShellCompDirectiveNoFileComp))
}
