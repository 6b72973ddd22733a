package doctor

import (
	"io"
	"net/http"

	"github.com/redis/go-redis/v9"

	"github.com/onetoken-go/onetoken/internal/advice"
	"github.com/onetoken-go/onetoken/tokencache"
)

// Config is a replica's, as far as it could be read, and where to write.
type Config struct {
	Complaints error                 // about the configuration; with any nothing is examined
	Redis      redis.UniversalClient // may be connected to nothing yet; the caller closes it
	Place      string                // where that is, without secrets
	Unverified bool                  // anybody's certificate will do for it
	Cache      tokencache.Config     // of a replica; Observe is set
	Issuer     Issuer
	App        string // whose tokens; "" is not told
	Setting    advice.Setting

	Out  io.Writer
	JSON bool              // one object in the end, instead of lines
	Say  func(line string) // to a person who waits
}

// Issuer is the one of the configuration, whatever its kind.
type Issuer struct {
	URL      string // of which scheme and host are told
	Variable string // that sets it
	Noun     string // whose secret it is: that of an app, or a client
	// Fetcher is a replica's.
	Fetcher func() (Fetcher, error)
	// Knock is one without the secret, that sends its request by another way.
	Knock func(by http.RoundTripper) (Fetcher, error)
}

// Fetcher is what the configuration asks an issuer with.
type Fetcher interface {
	tokencache.Fetcher
	// Unencrypted reports whether others can read what is sent.
	Unencrypted() bool
}
