package vault

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/onetoken-go/onetoken/internal/standing"
	"github.com/onetoken-go/onetoken/internal/watch"
	"github.com/onetoken-go/onetoken/internal/witness"
	"github.com/onetoken-go/onetoken/tokencache"
)

// identityKey is equal of credentials that a Cache has one Source for.
type identityKey struct {
	id              string
	window, maxLife time.Duration
}

func keyOf(c tokencache.Credential) identityKey {
	return identityKey{c.ID(), c.Window(), c.MaxLife()}
}

// identity is a credential to a Cache: one Source, whichever names have it.
type identity struct {
	key      identityKey
	source   *tokencache.Source
	fetcher  *swap
	watch    *watch.Watch
	answered atomic.Bool

	users int      // holdings that have it; guarded by Vault.mu
	names []string // of these, in the order of the configuration; guarded by Vault.mu
}

// acquire returns the identity of a credential for one more holder. The caller holds v.mu, so that its
// first events wait until it can be found.
func (v *Vault) acquire(c Credential) *identity {
	key := keyOf(c.Fetcher.Credential())
	id, ok := v.identities[key]
	if !ok {
		id = v.newIdentity(key, c)
		v.identities[key] = id
		v.byID[key.id] = append(v.byID[key.id], id)
	}
	id.users++
	return id
}

func (v *Vault) newIdentity(key identityKey, c Credential) *identity {
	f := &swap{credential: c.Fetcher.Credential()}
	f.to.Store(&c)
	id := &identity{key: key, fetcher: f, source: v.Cache.Source(f), names: []string{c.Name}}
	id.watch = watch.New(watch.Config{
		Logger: v.loggerOf(id), Words: v.Words, Teller: v.Teller,
		Meanwhile: func() (string, time.Duration) { return v.meanwhile(id) },
		Again:     func(ctx context.Context) time.Duration { return witness.AskedAgainIn(ctx, id.source) },
	})
	return id
}

// loggerOf names the credential by all its names. The caller holds v.mu.
func (v *Vault) loggerOf(id *identity) *slog.Logger {
	return v.Logger.With(witness.Whose(id.key.id)...).With("credential", strings.Join(id.names, ","))
}

// called gives the identity its names, and its way to the issuer. The caller holds v.mu.
func (v *Vault) called(id *identity, names []string, way Credential) {
	id.fetcher.to.Store(&way)
	if !slices.Equal(id.names, names) {
		id.names = names
		id.watch.SetLogger(v.loggerOf(id))
	}
}

// release is of one holder; nil is none. The caller holds v.mu, and calls v.sweep once all is acquired that
// is needed: the next name may want the same identity.
func (v *Vault) release(id *identity) {
	if id == nil {
		return
	}
	if id.users--; id.users == 0 {
		v.unused = append(v.unused, id)
	}
}

// sweep closes what nobody holds any more. The caller holds v.mu.
func (v *Vault) sweep() {
	for _, id := range v.unused {
		if id.users > 0 || v.identities[id.key] != id {
			continue
		}
		delete(v.identities, id.key)
		v.byID[id.key.id] = slices.DeleteFunc(v.byID[id.key.id], func(other *identity) bool { return other == id })
		if len(v.byID[id.key.id]) == 0 {
			delete(v.byID, id.key.id)
		}
		_ = id.source.Close()
	}
	v.unused = nil
}

// meanwhile is what there is while the identity brings no token.
func (v *Vault) meanwhile(id *identity) (serves string, remaining time.Duration) {
	if tok, ok := id.source.Peek(); ok {
		return "the token at hand serves", time.Until(tok.Expiry())
	}
	for _, e := range *v.names.Load() {
		h := e.held.Load()
		if h.pending != id {
			continue
		}
		if tok, ok := h.inUse.source.Peek(); ok {
			return "the credential as it was before serves", time.Until(tok.Expiry())
		}
	}
	return "there is no token", 0
}

func (id *identity) isUsable() bool {
	_, ok := id.source.Peek()
	return ok
}

func (id *identity) logger() *slog.Logger { return id.watch.Logger() }

func (id *identity) observe(e tokencache.Event) {
	id.watch.Observe(e)
	if e.Kind == tokencache.EventAdopt || e.Kind == tokencache.EventFill && standing.NeedsPerson(e.Err) {
		id.answered.Store(true)
	}
}

// swap is a Fetcher whose way to the issuer may change, its credential not.
type swap struct {
	credential tokencache.Credential
	to         atomic.Pointer[Credential]
}

func (s *swap) Credential() tokencache.Credential { return s.credential }

func (s *swap) Fetch(ctx context.Context) (tokencache.Token, error) {
	return s.to.Load().Fetcher.Fetch(ctx)
}

// rejects says whether an error may be of the secret.
func (s *swap) rejects(err error) bool {
	c := s.to.Load()
	return err != nil && c.RejectsSecret != nil && c.RejectsSecret(err)
}
