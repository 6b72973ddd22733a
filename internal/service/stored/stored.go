// Package stored tells what Redis knows of the credentials of a configuration, for whoever looks without a service.
package stored

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/onetoken-go/onetoken/internal/service/config"
	"github.com/onetoken-go/onetoken/tokencache"
)

// atOnce is how many questions are under way.
const atOnce = 16

// Look asks Redis about each credential that is not disabled, and returns what it knows by name. It writes nothing,
// and asks no issuer. Its error is the first that a question met: then nothing is known.
func Look(ctx context.Context, cache *tokencache.Cache, credentials []config.Credential) (map[string]tokencache.Status, error) {
	all := make([]tokencache.Status, len(credentials))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, c := range credentials {
		if c.Disabled {
			continue
		}
		source := cache.Source(c.Fetcher)
		group.Go(func() (err error) {
			all[i], err = source.Status(ctx)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	seen := make(map[string]tokencache.Status, len(credentials))
	for i, c := range credentials {
		if !c.Disabled {
			seen[c.Name] = all[i]
		}
	}
	return seen, nil
}
