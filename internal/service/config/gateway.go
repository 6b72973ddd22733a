package config

import (
	"cmp"
	"context"
	"slices"
)

// Gateway is the door by which SDKs call the issuer's APIs with a client's secret.
type Gateway struct {
	Listener

	// Clients may call, in the order of the file; none is legal.
	Clients []Client
}

// What a Client of gateway may do, beside calls of APIs.
const (
	MayWS         = "ws"          // open the connection for events, which leads past the gateway
	MayUserLogin  = "user_login"  // log users in, who give it tokens of their own
	MayUserTokens = "user_tokens" // call with these
)

var (
	gatewayRights = []string{MayWS, MayUserLogin, MayUserTokens}

	gatewayKeys = keys{
		known: append([]string{"clients"}, listenerKeys...),
		refused: map[string]string{
			"socket":      "is of tokens alone: an SDK calls a gateway at an address, which is listen",
			"socket_mode": "is of tokens alone: an SDK calls a gateway at an address, which is listen",
			"hosts":       "is of tokens alone: a gateway may be called by any name, as it gives nothing without a secret",
		},
	}

	gatewayClientKeys = keys{
		known: []string{
			"name", "secret_file", "secret_env", "previous_secret_file", "previous_secret_env", "cert", "credentials", "may", "rate",
		},
		refused: map[string]string{
			"secret": inlineClientSecrets["secret"], "previous_secret": inlineClientSecrets["previous_secret"],
			"uid": "is of clients of tokens alone, at the socket: a gateway knows a client by its secret",
		},
	}
)

// gateway is the zero one where it is absent. taken are the addresses of other listeners.
func (r *reader) gateway(ctx context.Context, v value, credentials []Credential, taken ...address) Gateway {
	s, ok := r.section(v, gatewayKeys)
	if !ok {
		return Gateway{}
	}
	r.need(s, "listen", "host:port to serve on, such as 127.0.0.1:8082; without a gateway section nothing is served")
	g := Gateway{Listener: r.listener(ctx, s, taken...)}
	d := door{
		section: s, client: gatewayClientKeys, secret: "the secret that its program sends as its app secret",
		granted: "list the names of those by which this client may call APIs",
		rights:  rights{own: gatewayRights, foreign: tokensRights, other: "tokens", hint: ", and calls of APIs need none of these"},
	}
	known := byName(credentials)
	g.Clients = r.clientList(d, "call APIs", func(item value) Client { return r.gatewayClient(ctx, d, item, known) })
	return g
}

func byName(credentials []Credential) map[string]Credential {
	all := make(map[string]Credential, len(credentials))
	for _, c := range credentials {
		all[c.Name] = c
	}
	return all
}

func (r *reader) gatewayClient(ctx context.Context, d door, v value, known map[string]Credential) Client {
	a, c, ok := r.client(ctx, d, v)
	if !ok {
		return Client{}
	}
	c.May = r.may(a)
	r.checkCertificate(a, c.May)
	granted := r.grants(a)
	r.checkGranted(granted, known)
	if slices.Contains(c.May, MayUserTokens) {
		r.checkOneURL(granted, known)
	}
	c.Credentials = texts(granted)
	return c
}

// checkCertificate wants one for user tokens, which may be stolen ones, and none else: whoever writes one
// down where nobody looks at it believes that it is needed.
func (r *reader) checkCertificate(a applicant, may []string) {
	v := a.get("may")
	wanted := slices.Contains(may, MayUserTokens)
	misread := r.told[v.path] || v.node != nil && len(may) < len(v.node.Content)
	switch {
	case wanted && !a.has("cert"):
		r.complain(v, "user_tokens needs cert, for the secret does not say that a user's token is this client's: set cert, or leave user_tokens out")
	case !wanted && !misread && a.has("cert"):
		r.complain(a.get("cert"), "is looked at for user_tokens alone, and may does not have that: add it there, or leave this out")
	}
}

// checkGranted wants an app of Feishu's, and that each name and each app id that a program may give as its
// own means one of them.
func (r *reader) checkGranted(granted []word, known map[string]Credential) {
	meant := map[string]string{} // by app id and by name: the credential's name
	for _, w := range granted {
		c := known[w.text]
		switch {
		case r.told[w.path]:
			continue
		case c.Kind == KindOAuth2:
			r.complain(w.value, "is of kind: oauth2, and the gateway speaks Feishu's API: grant it at tokens")
			continue
		case c.ID == "": // there is a complaint of the credential
			continue
		}
		switch other := cmp.Or(meant[c.ID], meant[c.Name]); {
		case other == "":
		case known[other].ID == c.ID:
			r.complain(w.value, other+" and "+c.Name+" are both of the app that a program would name, so that nobody could say which is meant: keep one")
		default:
			r.complain(w.value, "of "+other+" and "+c.Name+" one has the other's app_id for a name, so that nobody could say which is meant: give it another name, or keep one")
		}
		meant[c.ID], meant[c.Name] = c.Name, c.Name
	}
}

// checkOneURL is for user tokens, which do not say whose app they are of.
func (r *reader) checkOneURL(granted []word, known map[string]Credential) {
	var first Credential
	for _, w := range granted {
		c := known[w.text]
		switch {
		case c.URL == "" || c.Kind != KindFeishu:
		case first.URL == "":
			first = c
		case c.URL != first.URL:
			r.complain(w.value, "has another base_url than "+first.Name+", and a user's token does not say of which app it is: with user_tokens all have to have one; keep one of the two, or leave user_tokens out")
		}
	}
}
