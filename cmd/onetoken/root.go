package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

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
	guardArguments(root) // cobra's own commands write to what is set by now
	cmd, err := root.ExecuteContextC(ctx)
	if _, _, unknown := root.Find(args); unknown != nil && err != nil && !a.started {
		err = noCommand(root, args[0])
	}
	if err != nil && !a.started {
		err = usage(fmt.Errorf("%w (see %s -h)", err, cmd.CommandPath()))
	}
	return report(unread, err)
}

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "onetoken",
		Short: "One Feishu or Lark app access token for a whole fleet",
		Long: "One access token of a Feishu or Lark app, or of a client of an OAuth 2 server,\n" +
			"shared through Redis by a whole fleet: the issuer is asked once per rotation,\n" +
			"everybody else reads.\n\n" + environmentHelp,
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
		a.versionCommand(),
	)
	return root
}
