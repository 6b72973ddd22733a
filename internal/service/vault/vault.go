// Package vault has the credentials of a service by name: which Source serves each, and what takes the
// place of what when the configuration changes. Reading order:
//
//  1. vault.go: the names, and a change of all of them in one step.
//  2. entry.go: one name. A changed credential runs beside the old one until it has a token. live.go: what
//     serves it, and its token, of one moment.
//  3. identity.go: one Source, which several names may share.
//
// Nothing here waits for Redis or an issuer but Get and Status. Cache.Source and Source.Close are called with
// the Vault's mutex held, also within Observe: neither waits for anything, nor for an event to be heard.
package vault

import (
	"cmp"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/onetoken-go/onetoken/internal/pulse"
	"github.com/onetoken-go/onetoken/internal/watch"
	"github.com/onetoken-go/onetoken/tokencache"
)

// Credential is what the configuration says of one.
type Credential struct {
	Name string
	Kind string // of issuer
	App  string // the app's or client's id
	URL  string // where the issuer is
	// Secret of an app; zero of other kinds. It is given to nobody but the issuer at URL.
	Secret tokencache.Secret
	// API sends calls of the issuer's APIs, by the way to it; nil of other kinds. It keeps connections.
	API http.RoundTripper
	// Disabled: it is listed, and nothing else.
	Disabled bool
	// Fetcher of its tokens; nil only of a disabled one.
	Fetcher tokencache.Fetcher
	// RejectsSecret says whether a refusal may be of the secret.
	RejectsSecret func(error) bool
	// Revision is a digest of all that the credential is made of. A credential whose Revision is that of
	// before is left alone.
	Revision string
	// Purpose is a digest of what the tokens are for: all but the secret, and the way to the issuer.
	Purpose string
}

// Config of a Vault. Cache and Logger have to be set.
type Config struct {
	Cache  *tokencache.Cache
	Logger *slog.Logger
	// Teller logs failures; nil: nobody does.
	Teller *watch.Teller
	// Refused is called when an issuer may have refused a secret: it may have changed in its file. It must
	// not wait; nil: nobody is told.
	Refused func()
	// Words are those of an error for people; nil: its own.
	Words func(error) string
}

// Vault is made by [New]. All methods are safe for concurrent use.
type Vault struct {
	Config
	names atomic.Pointer[map[string]*Entry] // replaced whole

	mu         sync.Mutex // guards below, and what names, and the holdings of Entries, are replaced by
	identities map[identityKey]*identity
	byID       map[string][]*identity // of one ID differ Window or MaxLife
	order      []*Entry
	disabled   []Credential
	unused     []*identity // that nobody holds: see sweep
}

// New returns a Vault without a credential.
func New(c Config) *Vault {
	if c.Refused == nil {
		c.Refused = func() {}
	}
	v := &Vault{Config: c, identities: map[identityKey]*identity{}, byID: map[string][]*identity{}}
	v.names.Store(&map[string]*Entry{})
	return v
}

// Changes are the names that an Apply has changed, each in order.
type Changes struct{ Added, Changed, Removed []string }

// Apply has these credentials, and no others, from now on, in one step for those who ask. A credential
// whose Revision is that of before is not touched; one that is not there any more is closed.
func (v *Vault) Apply(all []Credential) Changes {
	v.mu.Lock()
	defer v.mu.Unlock()
	var c Changes
	before, names := *v.names.Load(), map[string]*Entry{}
	v.order, v.disabled = nil, nil
	for _, credential := range all {
		if credential.Disabled {
			v.disabled = append(v.disabled, credential)
			continue
		}
		e, known := before[credential.Name]
		switch {
		case !known:
			e = v.add(credential)
			c.Added = append(c.Added, credential.Name)
		case e.change(credential):
			c.Changed = append(c.Changed, credential.Name)
		}
		names[credential.Name] = e
		v.order = append(v.order, e)
	}
	v.names.Store(&names) // before any is closed: nobody finds a closed one
	for name, e := range before {
		if names[name] == nil {
			e.drop()
			c.Removed = append(c.Removed, name)
		}
	}
	slices.Sort(c.Removed)
	v.index()
	v.sweep()
	return c
}

func (v *Vault) add(c Credential) *Entry {
	e := &Entry{vault: v, name: c.Name}
	e.held.Store(&holding{configured: c, inUse: v.acquire(c), purpose: c.Purpose})
	return e
}

// Find returns a credential that is there and not disabled. It costs a look into a map.
func (v *Vault) Find(name string) (*Entry, bool) {
	e, ok := (*v.names.Load())[name]
	return e, ok
}

// Entries are the credentials in the order of the configuration, but for those that are disabled.
func (v *Vault) Entries() []*Entry {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.order)
}

// Disabled are the others.
func (v *Vault) Disabled() []Credential {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.disabled)
}

// Names are those of the credentials that share an ID, in the order of the configuration; none of an ID
// that is nobody's.
func (v *Vault) Names(id string) (names []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, one := range v.byID[id] {
		names = append(names, one.names...)
	}
	return names
}

// index tells each identity whose it is, and by which way it goes to the issuer, after any holding was replaced:
// that of the first name whose credential it is in the configuration; of one that the configuration no longer has,
// the way stays. The caller holds v.mu.
func (v *Vault) index() {
	names, ways := map[*identity][]string{}, map[*identity]Credential{}
	for _, e := range v.order {
		h := e.held.Load()
		id := h.inUse
		if h.pending != nil {
			id = h.pending
			names[h.inUse] = append(names[h.inUse], e.name)
		}
		names[id] = append(names[id], e.name)
		if _, has := ways[id]; !has {
			ways[id] = h.configured
		}
	}
	for id, all := range names {
		way, has := ways[id]
		if !has {
			way = *id.fetcher.to.Load()
			way.Name = all[0]
		}
		v.called(id, all, way)
	}
}

// Sources are those of the identities that serve, for metrics: not that of a changed credential which
// has no token yet, as that would look like an outage.
func (v *Vault) Sources() []*tokencache.Source {
	all := map[*tokencache.Source]bool{}
	for _, e := range *v.names.Load() {
		all[e.held.Load().inUse.source] = true
	}
	return slices.SortedFunc(maps.Keys(all), func(a, b *tokencache.Source) int { return cmp.Compare(a.ID(), b.ID()) })
}

// Observe is told of the events of the Cache, in order.
func (v *Vault) Observe(e tokencache.Event) {
	v.mu.Lock()
	of := slices.Clone(v.byID[e.ID])
	v.mu.Unlock()
	for _, id := range of {
		id.observe(e)
		if isCall(e) && id.fetcher.rejects(e.Err) {
			v.Refused()
		}
	}
	if e.Kind == tokencache.EventAdopt && len(of) > 0 {
		v.promote()
	}
}

// isCall tells calls of issuers from waits for what they came to, of which there may be any number.
func isCall(e tokencache.Event) bool {
	return e.Kind == tokencache.EventCall || e.Kind == tokencache.EventDirectCall
}

// promote lets go of what a changed credential was, where the new one has a token.
func (v *Vault) promote() {
	v.mu.Lock()
	defer v.mu.Unlock()
	any := false
	for _, e := range v.order {
		h := e.held.Load()
		if h.pending != nil && h.pending.isUsable() {
			e.promote(h)
			any = true
		}
	}
	if any {
		v.index()
		v.sweep()
	}
}

// Look is for the pulse: the least life of all credentials' tokens.
func (v *Vault) Look() pulse.Look {
	least := pulse.Look{Usable: true, Remaining: 1<<63 - 1}
	for _, e := range *v.names.Load() {
		tok, ok := e.Peek()
		least.Usable = least.Usable && ok
		if ok {
			least.Remaining = min(least.Remaining, time.Until(tok.Expiry()))
		}
	}
	return least
}
