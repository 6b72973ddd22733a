// Package refresher runs `onetoken refresher --config` within an example, on a copy of its onetoken.yaml. In a
// deployment of your own run the command.
package refresher

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/onetoken-go/onetoken/internal/service"
)

// Service is a refresher to run. All fields have to be set.
type Service struct {
	Config  string            // the text of onetoken.yaml
	Here    []string          // pairs: a text of Config, and its replacement on this host
	Secrets map[string]string // by NAME: the content of the file secrets/NAME
	Doors   []string          // the sections of Config that listen
}

// Place tells a program where its service runs.
type Place struct {
	Folder string            // of onetoken.yaml and secrets
	URL    map[string]string // by the door's name
}

// Run starts the service, waits until all doors are open, and runs a program. It ends the service after the program,
// and removes the secrets. A service that fails ends the program's ctx.
func (s Service) Run(ctx context.Context, program func(context.Context, Place) error) error {
	folder, err := os.MkdirTemp("", "onetoken-example-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // it is temporary
	path, err := s.write(folder)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	said, ended := make(chan string, len(s.Doors)), make(chan error, 1)
	go func() {
		defer stop()
		ended <- service.Run(ctx, service.Options{
			Path: path, Getenv: os.Getenv, Version: "example",
			Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
			Say:    func(line string) { said <- line },
		})
	}()
	place := Place{Folder: folder, URL: map[string]string{}}
	for range s.Doors {
		select {
		case line := <-said:
			name, url, _ := strings.Cut(line, ": listens on ")
			place.URL[name] = url
		case err := <-ended:
			return err
		}
	}
	err = program(ctx, place)
	stop()
	return errors.Join(err, <-ended)
}

// write fills the folder of the service.
func (s Service) write(folder string) (path string, err error) {
	path = filepath.Join(folder, "onetoken.yaml")
	config := strings.NewReplacer(s.Here...).Replace(s.Config)
	errs := []error{
		os.WriteFile(path, []byte(config), 0o600),
		os.Mkdir(filepath.Join(folder, "secrets"), 0o700),
	}
	for name, secret := range s.Secrets {
		errs = append(errs, os.WriteFile(filepath.Join(folder, "secrets", name), []byte(secret), 0o600))
	}
	return path, errors.Join(errs...)
}
