package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/onetoken-go/onetoken/internal/glance"
	"github.com/onetoken-go/onetoken/internal/service"
	"github.com/onetoken-go/onetoken/internal/service/config"
	"github.com/onetoken-go/onetoken/internal/service/stored"
	"github.com/onetoken-go/onetoken/internal/statusjson"
	"github.com/onetoken-go/onetoken/tokencache"
)

// statusOfFile asks Redis about the credentials of a configuration file.
func (a *app) statusOfFile(ctx context.Context, f statusFlags) error {
	reading, stop := context.WithTimeout(ctx, readTime)
	c, err := config.Read(reading, f.config, a.getenv)
	stop()
	if err != nil {
		return a.configError(ctx, err)
	}
	from := &fileLookout{app: a, path: f.config, loaded: time.Now()}
	if err := from.use(c); err != nil {
		return usage(err)
	}
	defer from.close()
	return a.showNamed(ctx, from, f)
}

// fileLookout is a configuration file as a lookout.
type fileLookout struct {
	app     *app
	path    string
	rdb     redis.UniversalClient
	cache   *tokencache.Cache
	config  *config.Config
	loaded  time.Time
	refused string // why the file as it is now is not in use; "": it is
	read    time.Time
}

// use has c be the configuration: its Redis with its password and certificates, its prefix and its credentials. Its
// error changes nothing.
func (f *fileLookout) use(c *config.Config) error {
	rdb := service.NewRedis(c.Redis)
	cache, err := tokencache.New(rdb, tokencache.Config{Prefix: c.Redis.Prefix, NoDirect: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		_ = rdb.Close() // it has connected to nothing
		return err
	}
	f.close()
	f.rdb, f.cache, f.config, f.read = rdb, cache, c, time.Now()
	return nil
}

// close lets go of what is in use, if anything is.
func (f *fileLookout) close() {
	if f.cache == nil {
		return
	}
	_ = f.cache.Close() // it has asked nobody
	_ = f.rdb.Close()
}

// rereads is how often the file is looked at: as often as a service does.
const rereads = 2 * time.Second

// refresh reads the file again, if it is time. One with an error is not used.
func (f *fileLookout) refresh(ctx context.Context) {
	if time.Since(f.read) < rereads {
		return
	}
	f.read = time.Now()
	ctx, stop := context.WithTimeout(ctx, rereads)
	defer stop()
	c, err := config.Read(ctx, f.path, f.app.getenv)
	f.refused = ""
	if err == nil && c.Digest != f.config.Digest {
		if err = f.use(c); err == nil {
			f.loaded = time.Now()
		}
	}
	if err != nil {
		f.refused = err.Error()
	}
}

func (f *fileLookout) look(ctx context.Context, asJSON bool) (sighting, error) {
	f.refresh(ctx)
	seen, err := stored.Look(ctx, f.cache, f.config.Credentials)
	if err != nil {
		return sighting{}, err
	}
	if asJSON {
		return sighting{board: f.board(seen), json: f.line(seen)}, nil
	}
	return sighting{board: f.board(seen)}, nil
}

func (f *fileLookout) board(seen map[string]tokencache.Status) glance.Board {
	b := glance.Board{
		Where: f.where(), Now: time.Now(),
		Config: glance.Config{LoadedAt: f.loaded, Error: f.refused},
	}
	for _, c := range f.config.Credentials {
		if c.Disabled {
			b.Credentials = append(b.Credentials, glance.Credential{Name: c.Name, Disabled: true})
			continue
		}
		b.Credentials = append(b.Credentials, glance.OfStored(c.Name, seen[c.Name], c.Fetcher.Credential().Window(), glance.InKeys))
	}
	return b
}

// namedObject is a credential in JSON, with what the file says of it.
type namedObject struct {
	statusjson.Object
	Name     string `json:"name"`
	Kind     string `json:"kind"`
	BaseURL  string `json:"base_url"`
	Disabled bool   `json:"disabled"`
}

// line is an array of all, in one line.
func (f *fileLookout) line(seen map[string]tokencache.Status) string {
	all := make([]namedObject, len(f.config.Credentials)) // never null
	for i, c := range f.config.Credentials {
		st := seen[c.Name]
		if c.Disabled {
			st = tokencache.Status{App: c.ID, IssuerURL: c.URL, State: tokencache.StateAbsent}
		}
		all[i] = namedObject{Object: statusjson.Of(st), Name: c.Name, Kind: c.Kind, BaseURL: c.URL, Disabled: c.Disabled}
	}
	raw, err := json.Marshal(all)
	if err != nil {
		panic(err) // strings and numbers
	}
	return statusjson.Printable(string(raw)) + "\n"
}

func (f *fileLookout) blind(err error) (glance.Board, string) {
	text, todo := glance.InKeys(err)
	if _, ok := errors.AsType[*tokencache.RedisError](err); ok {
		todo += " (redis in " + f.path + ")"
	}
	if todo != "" {
		text += ": " + todo
	}
	return glance.Board{Where: f.where(), Now: time.Now(), Stale: text}, text
}

func (f *fileLookout) where() string { return "credentials of " + f.path + ", as Redis has them" }
