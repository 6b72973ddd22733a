package door

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/onetoken-go/onetoken/internal/service/clients"
)

// Config of a Door. Clients and Vault have to be set.
type Config struct {
	// Clients returns the table in force, never nil. It is asked for each request, and again
	// after its body has come, or a token was waited for: a reload may have taken the right away.
	Clients func() *clients.Table

	// Vault has the credentials.
	Vault Vault

	// Audit is told of each request that goes to an endpoint, before it is answered; by many at
	// once. The answer waits for it. Anybody who reaches the door can have it called, so it has
	// to bound what it keeps and writes. nil means nobody listens.
	Audit func(Use)

	// Hosts are names by which clients call the service over plain TCP, beside localhost: without
	// port; capitals and a dot at the end make no difference. nil means none.
	Hosts []string
}

func (c Config) withDefaults() Config {
	if c.Audit == nil {
		c.Audit = func(Use) {}
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
		errs = append(errs, errors.New("Vault is nil: nothing can be handed out without one"))
	}
	for i, host := range c.Hosts {
		if !isHost(host) {
			errs = append(errs, fmt.Errorf("Hosts[%d] is no host name: leave scheme, port and path out, as in tokens.example.org", i))
		}
	}
	return errors.Join(errs...)
}

func isHost(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	odd := func(c rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789.-_", c)
	}
	name := plainHost(host)
	return name != "" && !strings.ContainsFunc(name, odd)
}
