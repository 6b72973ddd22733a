package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// app is one invocation: the world it was given, and what the flags of the
// root made of it.
type app struct {
	getenv func(string) string
	stdin  io.Reader
	stdout io.Writer
	stderr *lineQueue

	logLevel, logFormat choice
	logger              *slog.Logger
	started             bool // the arguments were fine: from here on errors are not about usage
}

// run is the whole program: it returns the exit code. It touches nothing of
// the process but its arguments, except that go-redis has one logger per
// process, which is set to the one asked for.
func run(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	unread := &lineQueue{out: stderr}
	defer unread.flush()
	a := &app{
		getenv: getenv, stdin: stdin, stdout: stdout, stderr: unread,
		logLevel:  choice{value: "warn", of: []string{"debug", "info", "warn", "error"}},
		logFormat: choice{value: "text", of: []string{"text", "json"}},
	}
	root := a.rootCommand()
	root.SetArgs(append([]string{}, args...)) // nil would mean os.Args
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(unread)
	cmd, err := root.ExecuteContextC(ctx)
	if err != nil && !a.started {
		err = usage(fmt.Errorf("%w (see %s -h)", err, cmd.CommandPath()))
	}
	return report(unread, err)
}

// curlExample keeps the token out of curl's arguments, which ps shows.
const curlExample = "  onetoken token --kind tenant | sed 's/^/Authorization: Bearer /' |\n" +
	"    curl -H @- https://open.feishu.cn/open-apis/tenant/v2/tenant/query"

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "onetoken",
		Short: "One Feishu or Lark app access token for a whole fleet",
		Long: "One Feishu or Lark app access token, shared through Redis by a whole fleet:\n" +
			"the issuer is asked once per rotation, everybody else reads.\n\n" + environmentHelp,
		Example:       "  onetoken demo\n" + curlExample,
		Version:       versionText(),
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRun: func(*cobra.Command, []string) {
			a.started = true
			a.logger = newLogger(a.stderr, a.logLevel.value, a.logFormat.value)
			routeRedisLog(a.logger)
		},
	}
	root.SetVersionTemplate("onetoken {{.Version}}\n")
	flags := root.PersistentFlags()
	flags.Var(&a.logLevel, "log-level", "least level that is logged to standard error: "+a.logLevel.options())
	flags.Var(&a.logFormat, "log-format", "how it is logged: "+a.logFormat.options()+" (but for lines that begin with onetoken:)")
	a.logLevel.complete(root, "log-level")
	a.logFormat.complete(root, "log-format")
	root.AddCommand(
		a.tokenCommand(), a.statusCommand(), a.refreshCommand(), a.invalidateCommand(),
		a.doctorCommand(), a.refresherCommand(), a.issuerCommand(), a.demoCommand(),
	)
	return root
}

// version is set by the linker: -ldflags "-X main.version=v1.2.3".
var version string

// versionText falls back to what the toolchain recorded: the module's version
// for `go install`, the commit for a build in a checkout.
func versionText() string {
	main, commit := "", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		main = info.Main.Version
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				commit = ", commit " + s.Value
			}
		}
	}
	return fmt.Sprintf("%s (%s, %s/%s%s)", cmp.Or(version, main, "(devel)"),
		runtime.Version(), runtime.GOOS, runtime.GOARCH, commit)
}

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
