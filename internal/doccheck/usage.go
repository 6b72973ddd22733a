package doccheck

import (
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
)

// Usage is what the command takes, by what it says itself.
type Usage struct {
	Flags     map[string][]string // by command; "": without one
	Variables []string            // of the environment
}

var (
	saysCommand  = regexp.MustCompile(`(?m)^  ([a-z]+) {2,}\S`)
	saysFlag     = regexp.MustCompile(`(?m)^ +(?:(-\w), +)?(--[a-z-]+)\b`)
	saysVariable = regexp.MustCompile(`(?m)^  ((?:[A-Z][A-Z0-9_]+, )*[A-Z][A-Z0-9_]+) {2}`)
)

// Ask runs the command with -h, and each of its own commands.
func Ask(binary string) (*Usage, error) {
	u := &Usage{Flags: map[string][]string{}}
	says, err := u.ask(binary)
	if err != nil {
		return nil, err
	}
	for _, names := range saysVariable.FindAllStringSubmatch(says, -1) {
		u.Variables = append(u.Variables, strings.Split(names[1], ", ")...)
	}
	_, commands, _ := strings.Cut(says, "Available Commands:\n")
	commands, _, _ = strings.Cut(commands, "\nFlags:")
	for _, command := range saysCommand.FindAllStringSubmatch(commands, -1) {
		if _, err := u.ask(binary, command[1]); err != nil {
			return nil, err
		}
	}
	return u, nil
}

func (u *Usage) ask(binary string, command ...string) (says string, err error) {
	out, err := exec.Command(binary, append(command, "-h")...).Output()
	if err != nil {
		return "", fmt.Errorf("%s %s -h: %w", binary, command, err)
	}
	name := strings.Join(command, " ")
	_, flags, _ := strings.Cut(string(out), "\nFlags:\n")
	for _, flag := range saysFlag.FindAllStringSubmatch(flags, -1) {
		u.Flags[name] = append(u.Flags[name], flag[1], flag[2])
	}
	return string(out), nil
}

// Check says what is wrong with the arguments of one call; "": nothing.
func (u *Usage) Check(arguments []string) string {
	command := ""
	for _, argument := range arguments {
		flag, _, _ := strings.Cut(argument, "=")
		switch {
		case strings.HasPrefix(flag, "-") && flag != "-":
			if !slices.Contains(u.Flags[command], flag) {
				return fmt.Sprintf("onetoken %s knows no %s", command, flag)
			}
		case command == "" && !strings.ContainsAny(flag, "$<>") && u.Flags[flag] == nil:
			return fmt.Sprintf("onetoken has no command %q", flag)
		case command == "":
			command = flag
		}
	}
	return ""
}

// Uses complains of a call of our command, in a block or within text, that it would not take.
func (r *Repository) Uses(u *Usage) (c Complaints) {
	r.eachCall(&c, func(page string, line int, call Call) {
		if arguments, ok := call.onetoken(); ok {
			if complaint := u.Check(arguments); complaint != "" {
				c.add(page, line, "%s", complaint)
			}
		}
	})
	return c
}

// eachCall visits all calls of all documents, and complains of a block of shell that has none to be read.
func (r *Repository) eachCall(c *Complaints, visit func(page string, line int, call Call)) {
	for _, name := range r.Names() {
		for _, block := range r.Pages[name].Blocks {
			if block.Language != "sh" {
				continue
			}
			calls, err := Calls(block.Text)
			if err != nil {
				c.add(name, block.Line, "%s", err)
			}
			for _, call := range calls {
				visit(name, block.Line+call.Line, call)
			}
		}
		for _, span := range r.Pages[name].Spans {
			text := span.Text
			if strings.HasPrefix(text, "onetoken ") {
				text = plain(text)
			}
			calls, err := Calls(text)
			if err != nil {
				calls = []Call{{Words: strings.Fields(text)}} // it may be anything
			}
			for _, call := range calls {
				visit(name, span.Line, call)
			}
		}
	}
}

var (
	choice  = regexp.MustCompile(`(\w)\|[\w|]+`)
	bracket = strings.NewReplacer("[", "", "]", "")
)

// plain is a synopsis as the call that has all of it: no brackets, and the first of several words.
func plain(synopsis string) string {
	return choice.ReplaceAllString(bracket.Replace(synopsis), "$1")
}
