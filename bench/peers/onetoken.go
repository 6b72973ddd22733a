package peers

import (
	"context"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"github.com/onetoken-go/onetoken/tokencache"
)

// Ours is onetoken, with a Config of nothing but a logger that is silent.
func Ours() Way { return Way{Onetoken, join} }

func join(rdb *redis.Client, credential string, call Call) Replica {
	cache := NewCache(rdb, tokencache.Config{})
	source := cache.Source(Fetcher(credential, call))
	return Replica{
		Get: func(ctx context.Context) error {
			_, err := source.Get(ctx)
			return err
		},
		Close: func() { _ = cache.Close() },
	}
}

// OurLocal is onetoken's copies, filled through a Redis that is idle from then on. End
// closes what was filled.
func OurLocal(rdb *redis.Client) (ours Local, end func()) {
	var caches []*tokencache.Cache
	ours = Local{Onetoken, func(n int) func([]uint32) {
		cache := NewCache(rdb, tokencache.Config{})
		caches = append(caches, cache)
		sources := make([]*tokencache.Source, n)
		var filling errgroup.Group
		filling.SetLimit(16)
		for i, name := range names(n) {
			sources[i] = cache.Source(Fetcher(name, func(context.Context) error { return nil }))
			filling.Go(func() error {
				_, err := sources[i].Get(context.Background())
				return err
			})
		}
		if err := filling.Wait(); err != nil {
			panic(err)
		}
		ctx := context.Background()
		return func(picks []uint32) {
			for _, i := range picks {
				if _, err := sources[i].Get(ctx); err != nil {
					panic(err)
				}
			}
		}
	}}
	return ours, func() {
		for _, cache := range caches {
			_ = cache.Close()
		}
	}
}

// NewCache is a Cache without a word in the log.
func NewCache(rdb *redis.Client, c tokencache.Config) *tokencache.Cache {
	c.Logger = slog.New(slog.DiscardHandler)
	cache, err := tokencache.New(rdb, c)
	if err != nil {
		panic(err)
	}
	return cache
}

// Fetcher is an issuer with Feishu's lives and window.
func Fetcher(credential string, call Call) tokencache.Fetcher {
	return tokencache.FetchFunc(CredentialOf(credential, 30*time.Minute), func(ctx context.Context) (tokencache.Token, error) {
		if err := call(ctx); err != nil {
			return tokencache.Token{}, err
		}
		return tokencache.NewToken(token, token, life), nil
	})
}

// CredentialOf is one of that name, at an issuer with that window; Feishu's is half an hour.
func CredentialOf(name string, window time.Duration) tokencache.Credential {
	c, err := tokencache.NewCredential(tokencache.CredentialConfig{
		Issuer: "bench", App: name, Secret: []tokencache.Secret{tokencache.NewSecret(name)}, Window: window,
	})
	if err != nil {
		panic(err)
	}
	return c
}
