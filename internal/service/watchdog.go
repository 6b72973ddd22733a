package service

import (
	"context"
	"log/slog"
	"time"

	"github.com/onetoken-go/onetoken/internal/service/sdnotify"
)

// answerWatchdog tells the service manager that the process works, for as long as /healthz says so, until
// ctx ends. A manager that hears nothing any more kills the process, and starts another. Without one that
// waits for this, it returns at once.
func (s *Service) answerWatchdog(ctx context.Context) {
	within, err := sdnotify.WatchdogWithin()
	if err != nil {
		s.Logger.Warn("the service manager's watchdog is not answered", "err", err)
		return
	}
	if within > 0 {
		watchdog{within: within, standsStill: s.pulse.StandsStill, alive: sdnotify.Alive, logger: s.Logger}.run(ctx)
	}
}

// watchdog waits for a sign of life within a time.
type watchdog struct {
	within      time.Duration
	standsStill func() string // in what way; "" while the process works
	alive       func() error
	logger      *slog.Logger
}

// run answers twice within the time, so that one answer may be late.
func (w watchdog) run(ctx context.Context) {
	tick := time.NewTicker(w.within / 2)
	defer tick.Stop()
	for said := ""; ; {
		if how := w.standsStill(); how == "" {
			said = ""
			w.answer()
		} else if said == "" {
			said = how
			w.logger.Error("the service manager's watchdog is not answered any more, and kills this process", "why", how)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (w watchdog) answer() {
	if err := w.alive(); err != nil {
		w.logger.Warn("the service manager was not told", "err", err)
	}
}
