package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/onetoken-go/onetoken/internal/service"
)

// serviceHelp is the part of the refresher's help about --config.
const serviceHelp = "With --config FILE it keeps the tokens of many credentials fresh, as that file\n" +
	"says, and hands them to programs in any language: see docs/service.md. By its\n" +
	"gateway, official SDKs call Feishu's and Lark's APIs without the app's secret:\n" +
	"see docs/gateway.md. Of the environment only what the file names counts, and\n" +
	"where to listen stands there. With --check it reads the file and all that it\n" +
	"names, says what is wrong, and ends. The files are read again every 2 s, and at\n" +
	"SIGHUP: what has an error is refused by name, and the configuration before\n" +
	"stays."

// service runs what the file says until ctx ends.
func (a *app) service(ctx context.Context, path string, check bool) error {
	if check {
		warnings, err := service.Check(ctx, path, a.getenv)
		if err != nil {
			return a.configError(ctx, err)
		}
		for _, warning := range warnings {
			say(a.stderr, "warning: "+warning)
		}
		say(a.stderr, "the configuration is good")
		return nil
	}
	reload, stop := reloadOnHangup()
	defer stop()
	err := service.Run(ctx, service.Options{
		Path: path, Getenv: a.getenv, Logger: a.logger, Version: versionText(), Reload: reload,
		Say:        func(line string) { say(a.stderr, line) },
		Collectors: []prometheus.Collector{a.lostLines()},
	})
	return a.configError(ctx, err)
}

// configError is a usage error if it is of the configuration.
func (a *app) configError(ctx context.Context, err error) error {
	switch {
	case !service.IsComplaint(err):
		return err
	case ctx.Err() != nil:
		return errors.New("interrupted before the configuration was read")
	}
	return usage(err)
}

// hangupReloads: SIGHUP has the configuration be read again, and is no wish to end.
var hangupReloads atomic.Bool

// reloadOnHangup tells of each SIGHUP from now on.
func reloadOnHangup() (reload <-chan struct{}, stop func()) {
	hangupReloads.Store(true)
	signals, told := make(chan os.Signal, 1), make(chan struct{}, 1)
	signal.Notify(signals, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-signals:
				select {
				case told <- struct{}{}:
				default:
				}
			case <-done:
				return
			}
		}
	}()
	return told, func() {
		signal.Stop(signals)
		close(done)
		hangupReloads.Store(false)
	}
}
