package doctor

import (
	"io"

	"github.com/redis/go-redis/v9"

	"github.com/onetoken-go/onetoken/fetcher"
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
	Feishu     fetcher.FeishuConfig
	App        string // whose tokens; "" is not told
	Setting    advice.Setting

	Out  io.Writer
	JSON bool              // one object in the end, instead of lines
	Say  func(line string) // to a person who waits
}
