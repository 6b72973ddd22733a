package config

import (
	"context"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/onetoken-go/onetoken/tokencache"
)

// Kinds of issuer.
const (
	KindFeishu = "feishu"
	KindOAuth2 = "oauth2"
)

var kinds = []string{KindFeishu, KindOAuth2}

// Credential is one whose token is kept fresh. Two may mean the same one: then their Fetchers have
// equal Credentials, which are one Source within a Cache.
type Credential struct {
	Name string // [a-z0-9][a-z0-9._-]{0,62}, unique in the file
	Kind string // KindFeishu or KindOAuth2
	ID   string // of the app, or of the client
	URL  string // the base URL, or the token URL without its query: in its one spelling

	// Disabled: nobody asks for it for now. It is checked, and has a Fetcher, like all others.
	Disabled bool

	// Fetcher asks the issuer for the token. It holds no connection, and needs no Close.
	Fetcher Fetcher

	// Secret of an app of Feishu's, which a gateway puts in the place of a client's in a few bodies. Zero of
	// other kinds, whose secrets nobody needs but the Fetcher.
	Secret tokencache.Secret `json:"-"`

	// API is for calls of the issuer's APIs, by the same proxy and authorities as the Fetcher's calls. It keeps
	// connections, up to 60 s after their last use, and needs no Close. Credentials of one Config whose ways
	// to their issuers are equal share it; another Config has its own. nil of kinds other than feishu.
	API http.RoundTripper `json:"-"`

	// Knock is a Fetcher without the secret, that sends its requests by what wrap makes of the way to the issuer: for
	// whoever wants to know whether that is at hand. Its error is of the configuration, which is good by then.
	Knock func(wrap func(http.RoundTripper) http.RoundTripper) (Fetcher, error) `json:"-"`

	// Route is a digest of the way to the issuer: those of equal URL and Route are reached alike. It is keyed as
	// Config.Digest is.
	Route string

	// RejectsSecret reports whether an error of the Fetcher's may mean that the secret is wrong: then
	// its file is worth reading again.
	RejectsSecret func(error) bool `json:"-"`

	// Revision is a digest of everything that makes this credential, with its secret and the way to
	// the issuer: one of equal Name and Revision in another Config is the same, and may stay. It is
	// keyed as Config.Digest is.
	Revision string

	// Purpose is a digest of what the tokens are for: all but the name, the secret and the way to the
	// issuer. It is keyed as Config.Digest is.
	Purpose string

	auth string // how id and secret are sent
}

// Fetcher is one of this module's.
type Fetcher interface {
	tokencache.Fetcher
	// Unencrypted reports whether others can read secret and tokens on their way.
	Unencrypted() bool
}

// common are the keys of all kinds.
var common = []string{"name", "kind", "window", "max_life", "proxy_url", "proxy_url_file", "proxy_url_env", "ca_file", "disabled"}

// own are the keys of one kind.
var own = map[string][]string{
	KindFeishu: append([]string{"app_id", "base_url"}, elsewhere("app_secret")...),
	KindOAuth2: append([]string{"token_url", "client_id", "auth", "scopes", "audience", "resource", "params", "life"}, elsewhere("client_secret")...),
}

// inlineSecrets are keys that people write in place of those with _file.
var inlineSecrets = map[string]string{"app_secret": inline("app_secret"), "client_secret": inline("client_secret")}

// credentialKeys of a kind; of "", which is after a complaint, those of all.
func credentialKeys(kind string) keys {
	k := keys{known: slices.Clone(common), refused: maps.Clone(inlineSecrets)}
	for _, other := range kinds {
		if other == kind || kind == "" {
			k.known = append(k.known, own[other]...)
			continue
		}
		for _, key := range own[other] {
			k.refused[key] = "is a key of kind: " + other + ", and this is kind: " + kind
		}
	}
	return k
}

// credentialNames are those of all credentials, with what is wrong with some.
type credentialNames struct {
	paths map[string]string // where the name was given first
	all   []string          // in the order of the file
}

func (r *reader) credentialList(ctx context.Context, v value) []Credential {
	var all []Credential
	for _, item := range r.list(v, "- {name: crm, kind: feishu, ...}") {
		if r.isFull() {
			break
		}
		all = append(all, r.credential(ctx, item))
	}
	return all
}

// credential has a Fetcher only if there are no complaints of it.
func (r *reader) credential(ctx context.Context, v value) Credential {
	kind := r.kind(v)
	s, ok := r.section(v, credentialKeys(kind))
	if !ok {
		return Credential{}
	}
	c := Credential{Name: r.credentialName(s), Kind: kind, Disabled: r.boolean(s.get("disabled"))}
	l := lives{window: r.duration(s.get("window")), max: r.duration(s.get("max_life")), own: r.duration(s.get("life"))}
	w := r.way(ctx, s)
	switch kind {
	case KindFeishu:
		r.feishu(ctx, s, &c, l, w)
	case KindOAuth2:
		r.oauth2(ctx, s, &c, l, w)
	default:
		r.kindIsMissing(s)
	}
	if c.Fetcher != nil {
		c.Route = digestOf(w.proxy, w.roots)
		c.Revision = c.revision(l, w)
		r.warnOfClearText(s, c)
	}
	return c
}

// lives of tokens; 0 is the default.
type lives struct{ window, max, own time.Duration }

// kind is needed before any other key. It is "" after a complaint, which comes later.
func (r *reader) kind(v value) string {
	if v.node == nil {
		return ""
	}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		if key := v.node.Content[i]; key.Value == "kind" && slices.Contains(kinds, v.node.Content[i+1].Value) {
			return v.node.Content[i+1].Value
		}
	}
	return ""
}

func (r *reader) kindIsMissing(s section) {
	r.choice(r.need(s, "kind", oneOf(kinds, "")), kinds...)
}

// revision needs no more than the ID for what stands in that: issuer, app, URL, what is asked for, and
// the secret.
func (c Credential) revision(l lives, w way) string {
	return digestOf(
		c.Name, c.Fetcher.Credential().ID(), l.window.String(), l.max.String(), l.own.String(), w.proxy, w.roots,
		strconv.FormatBool(c.Disabled), c.auth,
	)
}

func (r *reader) warnOfClearText(s section, c Credential) {
	if !c.Fetcher.Unencrypted() {
		return
	}
	key := "base_url"
	if c.Kind == KindOAuth2 {
		key = "token_url"
	}
	r.warn(s.get(key), "secret and tokens travel unencrypted: use https")
}

var isName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

// nameRules are those of credentials and clients.
const nameRules = "a name has 1 to 63 characters of a to z, 0 to 9, . _ and -, and begins with a letter or a digit"

// credentialName is "" after a complaint.
func (r *reader) credentialName(s section) string {
	name := r.name(s, r.credentials.paths)
	if name != "" {
		r.credentials.all = append(r.credentials.all, name)
	}
	return name
}

// name is one that is not in paths yet, to which it goes.
func (r *reader) name(s section, paths map[string]string) string {
	v := r.need(s, "name", nameRules)
	name, ok := r.text(v)
	if !ok {
		return ""
	}
	if !isName.MatchString(name) {
		r.complain(v, "is no name: "+nameRules)
		return ""
	}
	if first, repeated := paths[name]; repeated {
		r.complain(v, "is the name of "+first+" already: give each its own")
		return name
	}
	paths[name] = s.path
	return name
}
