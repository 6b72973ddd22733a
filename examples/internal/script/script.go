// Package script runs an example's programs in other languages where these are installed, and shows the command.
package script

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"strings"
	"time"
)

// Script is a program in another language.
type Script struct {
	Interpreter string   // such as python3
	File        string   // from the root of the repository, with slashes
	Args        []string // of it
	Env         []string // NAME=VALUE: its environment, beside PATH and HOME
	Needs       string   // a file beside File without which it does not run, or ""
	Install     string   // the command that gets Needs
}

// Run writes the command to out, and runs it, with its output there too. Without the interpreter, or without Needs, it
// says so and runs nothing. The script ends with ctx.
func (s Script) Run(ctx context.Context, out io.Writer) error {
	file := here(s.File)
	words := append(append([]string{}, s.Env...), s.Interpreter, file)
	_, _ = fmt.Fprintln(out, "$", strings.Join(append(words, s.Args...), " "))
	if _, err := exec.LookPath(s.Interpreter); err != nil {
		_, _ = fmt.Fprintf(out, "(not run: there is no %s here)\n", s.Interpreter)
		return nil
	}
	if _, err := os.Stat(path.Join(path.Dir(file), s.Needs)); err != nil {
		_, _ = fmt.Fprintf(out, "(not run: it wants %s first)\n", s.Install)
		return nil
	}
	cmd := exec.CommandContext(ctx, s.Interpreter, append([]string{file}, s.Args...)...)
	cmd.Env, cmd.Stdout, cmd.Stderr = s.Env, out, out
	for _, name := range []string{"PATH", "HOME", "SYSTEMROOT"} {
		if value, ok := os.LookupEnv(name); ok {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	cmd.WaitDelay = time.Second // a child of it may hold its output open
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// here finds a file from the root of the repository, or else from the example's own folder, in which its tests run.
func here(file string) string {
	if _, err := os.Stat(file); err == nil {
		return file
	}
	return path.Base(file)
}
