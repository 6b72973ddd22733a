package larksdk

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/onetoken-go/onetoken/fetcher/bearer"
)

// App is one that the SDK is a client of. ID, Source or ForTenant, and Hosts have to be set.
type App struct {
	// ID of the app, as lark.NewClient has it.
	ID string

	// Source of the app's tokens: a [*tokencache.Source]. For a self-built app it gives the tenant
	// token as well. In the SDK's keyless mode (ClientAssertionProvider), in which the tenant's is the
	// only one, it may be that of an issuer with one kind of token, such as fetcher/oauth2cc.
	Source bearer.Source

	// ForTenant gives the Source of a tenant's token, for a store app: its tenant access token is that
	// Source's. nil means a self-built app, of which Source has both tokens. It is called for each
	// request, by many at once, and returns nil, or a nil pointer, for a tenant that there is none of.
	// With it Source is that of the app access token, and may be left out.
	ForTenant func(tenantKey string) bearer.Source

	// Hosts that get the app's tokens, as in bearer.Config: the Origin of a fetcher.Feishu, which is
	// what lark.WithOpenBaseUrl has. A call by the SDK to another one is an error that is ErrHost.
	Hosts []string
}

// Config of a Cache and its Client. Apps has to be set; the zero value of every other field is good.
type Config struct {
	// Apps whose tokens come from their Sources. Those of any other app the SDK gets by itself.
	Apps []App

	// Base sends the requests. nil means http.DefaultTransport.
	Base http.RoundTripper

	// Timeout of one call of Client.Do, with the reading of the reply, whatever it waits for. It takes
	// the place of lark.WithReqTimeout, which does nothing beside lark.WithHttpClient. 0 means none,
	// as with the SDK: then only the call's ctx bounds it.
	Timeout time.Duration

	// KeepBody is how many bytes are kept of a body without GetBody, to send it once more. What the
	// SDK sends has one, but for its streams. 0 means 4 MiB; negative: none.
	KeepBody int64

	// Rest keeps what the SDK stores beside these apps' tokens: app tickets, and tokens of other apps.
	// nil means in memory, for this process alone, which all Caches of the process share, as those of
	// the SDK do.
	Rest Store

	// Logger is warned, once each, of apps that are none of these, whose tokens the SDK gets by itself,
	// and of keys whose form is unknown; of 100 of each. Of a Rest that fails it is warned once a minute;
	// once of a request that the SDK sent without a token and that was refused for that, as each is
	// under lark.WithEnableTokenCache(false). nil means slog.Default().
	Logger *slog.Logger
}

const defaultKeepBody = 4 << 20

func (c Config) withDefaults() Config {
	if c.Base == nil {
		c.Base = http.DefaultTransport
	}
	if c.Rest == nil {
		c.Rest = ofProcess
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	c.KeepBody = max(0, cmp.Or(c.KeepBody, defaultKeepBody))
	return c
}

// validate returns every complaint at once; what is wrong with Hosts, bearer says.
func (c Config) validate() error {
	var errs []error
	if len(c.Apps) == 0 {
		errs = append(errs, errors.New("Apps is empty: name those whose tokens are shared"))
	}
	ids := map[string]bool{}
	for i, app := range c.Apps {
		if err := app.validate(); err != nil {
			errs = append(errs, fmt.Errorf("Apps[%d]: %w", i, err))
		}
		if ids[app.ID] {
			errs = append(errs, fmt.Errorf("Apps[%d] has the ID of one before it: one app, one Source", i))
		}
		ids[app.ID] = true
	}
	if c.Timeout < 0 {
		errs = append(errs, fmt.Errorf("a Timeout of %v: cannot be negative", c.Timeout))
	}
	if isNilPointer(c.Base) {
		errs = append(errs, fmt.Errorf("Base is a nil %T: leave it out, or make one", c.Base))
	}
	if isNilPointer(c.Rest) {
		errs = append(errs, fmt.Errorf("Rest is a nil %T: leave it out, or make one", c.Rest))
	}
	return errors.Join(errs...)
}

func (a App) validate() error {
	switch {
	case a.ID == "":
		return errors.New("ID is empty: it is the app's id in the developer console, such as cli_a1b2")
	case strings.ContainsFunc(a.ID, isNotOfID):
		return errors.New("ID has a character that no app id has: letters, digits and underscores")
	case a.Source == nil && a.ForTenant == nil:
		return errors.New("Source is nil: make one with Cache.Source")
	case isNilPointer(a.Source):
		return fmt.Errorf("Source is a nil %T: make one with Cache.Source", a.Source)
	}
	return nil
}

func isNotOfID(r rune) bool {
	return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
}

func isNilPointer(v any) bool {
	value := reflect.ValueOf(v)
	return value.Kind() == reflect.Pointer && value.IsNil()
}
