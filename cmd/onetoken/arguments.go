package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Errors about arguments quote nothing that was given: it may be a token or a secret, and standard
// error is logged and kept where ps forgets.
var (
	errTokenArgument = errors.New(`a token is never an argument, ps shows those to all users: give "-" and write the token to standard input`)
	errNoArguments   = errors.New("it takes no argument; a token or a secret never is one")
	errNoFlag        = errors.New("there is no such flag")
	errFlagSpelling  = errors.New("that is not how a flag is written")
)

// guardArguments has no command of the tree quote what it was given.
func guardArguments(root *cobra.Command) {
	root.SetFlagErrorFunc(flagError)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		if cmd.Name() == "help" {
			cmd.Run, cmd.RunE = nil, help
			continue
		}
		refuseArguments(cmd)
	}
}

// refuseArguments is for commands that do not say themselves which arguments they take.
func refuseArguments(cmd *cobra.Command) {
	if cmd.Args == nil || cmd.Parent().Name() == "completion" {
		cmd.Args = noArguments
	}
	for _, sub := range cmd.Commands() {
		refuseArguments(sub)
	}
}

func noArguments(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return errNoArguments
	}
	return nil
}

// noCommand is the error for arguments that name none.
func noCommand(root *cobra.Command, given string) error {
	text := "there is no such command"
	if like := root.SuggestionsFor(given); len(like) > 0 {
		text += "; there is " + strings.Join(like, ", ")
	}
	return errors.New(text)
}

// help is that of cobra, but that a wrong topic is an error.
func help(cmd *cobra.Command, args []string) error {
	topic, _, err := cmd.Root().Find(args)
	if topic == nil || err != nil {
		return usage(fmt.Errorf("%w (see %s -h)", noCommand(cmd.Root(), args[0]), cmd.Root().CommandPath()))
	}
	topic.InitDefaultHelpFlag()
	return topic.Help()
}

func flagError(_ *cobra.Command, err error) error {
	switch e := err.(type) { //nolint:errorlint // pflag wraps none of them
	case *pflag.NotExistError:
		return errNoFlag
	case *pflag.InvalidValueError:
		if _, ok := e.GetFlag().Value.(given); ok { // which takes anything else
			return fmt.Errorf("--%s is empty: is a variable not set? Say something, or leave the flag out", e.GetFlag().Name)
		}
		return fmt.Errorf("--%s does not take that: %s", e.GetFlag().Name, takes(e.GetFlag().Value))
	case *pflag.ValueRequiredError: // quotes the name of a flag that there is
		return err
	}
	return errFlagSpelling
}

// takes says what a flag takes.
func takes(value pflag.Value) string {
	if c, ok := value.(*choice); ok {
		return "one of " + c.options()
	}
	switch value.Type() {
	case "bool":
		return "true or false, after an equals sign"
	case "duration":
		return "a time with its unit, such as 30s or 2m"
	case "int", "uint":
		return "a whole number"
	}
	return "a " + value.Type()
}
