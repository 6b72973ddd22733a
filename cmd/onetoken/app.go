package main

import (
	"cmp"
	"io"
	"log/slog"
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

// prefix of all keys in Redis.
func (a *app) prefix() string { return cmp.Or(a.getenv("ONETOKEN_PREFIX"), "onetoken") }
