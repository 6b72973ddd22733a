package main

import (
	"errors"

	"github.com/spf13/pflag"
)

// given is a flag that is left out, or says something. An empty value is mostly a variable of a script that is not set:
// taken for a flag that is left out, it would have the environment decide.
type given struct{ value *string }

// givenVar defines such a flag.
func givenVar(flags *pflag.FlagSet, value *string, name, usage string) {
	flags.Var(given{value}, name, usage)
}

func (g given) String() string { return *g.value }
func (g given) Type() string   { return "string" }

// Set is how pflag hands over what was typed.
func (g given) Set(s string) error {
	if s == "" {
		return errors.New("it is empty")
	}
	*g.value = s
	return nil
}
