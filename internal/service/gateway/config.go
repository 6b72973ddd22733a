package gateway

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/onetoken-go/onetoken/internal/service/clients"
)

// Config of a Gateway. Clients and Vault have to be set.
type Config struct {
	// Clients returns the table in force, never nil. A client may call APIs of the credentials for which it
	// has [clients.Call].
	Clients func() *clients.Table

	// Vault has the credentials.
	Vault Vault

	// Audit is told of each request once, when it is known what comes of it; by many at once. The answer waits for it. Anybody who reaches the gateway can have it called, so
	// it has to bound what it keeps and writes. nil means nobody listens.
	Audit func(Use)

	// Logger hears at debug level what httputil.ReverseProxy has to say. nil: nobody.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.Audit == nil {
		c.Audit = func(Use) {}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// validate joins every complaint.
func (c Config) validate() error {
	var errs []error
	if c.Clients == nil {
		errs = append(errs, errors.New("Clients is nil: return a table of clients.New"))
	}
	if c.Vault == nil {
		errs = append(errs, errors.New("Vault is nil: nothing can be called without one"))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("gateway: %w", err)
	}
	return nil
}
