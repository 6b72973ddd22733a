// Package peers has onetoken, the others that it is measured beside, and the floor
// under them all, each doing the same work.
package peers

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/viccon/sturdyc"
	"golang.org/x/oauth2"
)

// Floor is the name of the least that there is to do.
const Floor = "floor"

// Onetoken is the name of what is measured here.
const Onetoken = "onetoken"

// life is that of every token: none ends while it is measured.
const life = 2 * time.Hour

// token is as long as one of Feishu's.
const token = "t-0123456789abcdef0123456789abcdef01234567"

// Local is a way to keep copies of tokens in memory. Fill makes n of them and
// returns what reads those picked, one after the other; it may be called by many
// goroutines at once.
type Local struct {
	Name string
	Fill func(n int) func(picks []uint32)
}

// Locals are the floor and the peers.
func Locals() []Local {
	return []Local{
		{Floor, atomicPointers},
		{"AWS CredentialsCache", credentialsCaches},
		{"sync.Map with expiry", expiringMap},
		{"x/oauth2 ReuseTokenSource", tokenSources},
		{"sturdyc", sturdy},
	}
}

// atomicPointers is an atomic load and one look at the clock.
func atomicPointers(n int) func([]uint32) {
	type held struct {
		token string
		until time.Time
	}
	copies := make([]*atomic.Pointer[held], n)
	for i := range copies {
		copies[i] = new(atomic.Pointer[held])
		copies[i].Store(&held{token, time.Now().Add(life)})
	}
	return func(picks []uint32) {
		for _, i := range picks {
			if c := copies[i].Load(); !time.Now().Before(c.until) {
				panic(c.token)
			}
		}
	}
}

func credentialsCaches(n int) func([]uint32) {
	caches := make([]*aws.CredentialsCache, n)
	for i := range caches {
		caches[i] = aws.NewCredentialsCache(aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{
				AccessKeyID: "id", SecretAccessKey: "secret", SessionToken: token,
				CanExpire: true, Expires: time.Now().Add(life),
			}, nil
		}))
	}
	ctx := context.Background()
	return func(picks []uint32) {
		for _, i := range picks {
			if _, err := caches[i].Retrieve(ctx); err != nil {
				panic(err)
			}
		}
	}
}

func tokenSources(n int) func([]uint32) {
	sources := make([]oauth2.TokenSource, n)
	for i := range sources {
		sources[i] = oauth2.ReuseTokenSource(&oauth2.Token{AccessToken: token, Expiry: time.Now().Add(life)}, nil)
	}
	return func(picks []uint32) {
		for _, i := range picks {
			if _, err := sources[i].Token(); err != nil {
				panic(err)
			}
		}
	}
}

// expiringMap is the cache that Feishu's official SDK has by default.
func expiringMap(n int) func([]uint32) {
	type held struct {
		value  string
		expire time.Time
	}
	var m sync.Map
	keys := names(n)
	for _, key := range keys {
		m.Store(key, &held{token, time.Now().Add(life)})
	}
	return func(picks []uint32) {
		for _, i := range picks {
			v, ok := m.Load(keys[i])
			if !ok || !v.(*held).expire.After(time.Now()) {
				panic(keys[i])
			}
		}
	}
}

func sturdy(n int) func([]uint32) {
	const shards, evicted = 64, 10
	client := sturdyc.New[string](2*n+shards, shards, life, evicted, sturdyc.WithNoContinuousEvictions())
	keys := names(n)
	ctx := context.Background()
	fetch := func(context.Context) (string, error) { return token, nil }
	return func(picks []uint32) {
		for _, i := range picks {
			if _, err := client.GetOrFetch(ctx, keys[i], fetch); err != nil {
				panic(err)
			}
		}
	}
}

// FirstName is the credential of the first copy.
var FirstName = names(1)[0]

// names of n credentials.
func names(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = "app_access_token-cli_" + strconv.Itoa(i)
	}
	return names
}
