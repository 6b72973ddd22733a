package config_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/config"
)

// atGateway has clients, which begin in line 8, column 5. There are apps, of which one is there twice, one has
// another's app_id for its name, and one is elsewhere, and a client of OAuth 2. It wants a gatewayStage.
func atGateway(clients ...string) string {
	const feishu = ", kind: feishu, app_secret_file: app, app_id: "
	return "credentials: [{name: crm" + feishu + "cli_1}, {name: hr" + feishu + "cli_2}, {name: hr2" + feishu + "cli_2}, {name: cli_2" + feishu + "cli_3},\n" +
		"  {name: lark" + feishu + "cli_4, base_url: 'https://open.larksuite.com'},\n" +
		"  {name: m2m, kind: oauth2, token_url: 'https://idp.example/t', client_id: x, client_secret_file: app}]\n" +
		"gateway:\n  listen: '127.0.0.1:1'\n  tls: {cert_file: cert, key_file: key, client_ca_file: ca}\n  clients: [\n    " + strings.Join(clients, ",\n    ") + "]\n"
}

func gatewayStage(t *testing.T) *stage {
	t.Helper()
	s := newStage(t)
	authority := newAuthority(t)
	cert, key := authority.valid()
	for name, text := range map[string]string{"ca": authority.pem(), "cert": cert, "key": key, "same": clientSecret, "b": "another-secret-of-a-client"} {
		s.write(name, text)
	}
	return s
}

func TestGatewayRefused(t *testing.T) {
	edges := []edge{
		{empty + "gateway: {}", []string{
			"2:1: gateway.listen: is missing: host:port to serve on, such as 127.0.0.1:8082; without a gateway section nothing is served",
			"2:1: gateway.clients: is missing: list who may call APIs, or write clients: [] for nobody yet",
		}},
		{empty + "gateway: {listen: ':1', clients: []}", []string{
			"2:11: gateway.listen: can be reached from other hosts, and there is no TLS: listen on 127.0.0.1, set tls, or insecure: true where nobody else is on the network",
		}},
		{empty + "gateway: {listen: '127.0.0.1:1', clients: {}}", []string{"2:34: gateway.clients: has to be a list, such as - {name: billing, ...}, and not keys with values"}},
		{empty + "gateway: {listen: '127.0.0.1:1', clients: [bot]}", []string{
			"2:44: gateway.clients[0]: has to be keys with values, one a line, and not a text: there are name, secret_file, secret_env, previous_secret_file, previous_secret_env, cert, credentials, may and rate",
		}},
		{empty + "gateway: []", []string{"2:1: gateway: has to be keys with values, one a line, and not a list: there are clients, listen, tls and insecure"}},
	}
	for key, why := range map[string]string{
		"socket: t.sock":    "socket: is of tokens alone: an SDK calls a gateway at an address, which is listen",
		"socket_mode: 0660": "socket_mode: is of tokens alone: an SDK calls a gateway at an address, which is listen",
		"hosts: [x]":        "hosts: is of tokens alone: a gateway may be called by any name, as it gives nothing without a secret",
	} {
		edges = append(edges, edge{empty + "gateway: {listen: '127.0.0.1:1', clients: [], " + key + "}", []string{"2:47: gateway." + why}})
	}
	newStage(t).assertTold(edges)
}

func TestGatewayTaken(t *testing.T) {
	s := gatewayStage(t)
	c := s.good(empty + "gateway: {listen: '127.0.0.1:1', clients: []}")
	assert.Equal(t, config.Gateway{Listener: config.Listener{Listen: "127.0.0.1:1"}}, c.Gateway)
	c = s.good(atGateway("{name: a, secret_file: client, credentials: []}", "{name: b, secret_file: b, credentials: [lark, crm, hr], may: []}"))
	require.Len(t, c.Gateway.Clients, 2)
	for _, of := range c.Gateway.Clients {
		assert.Empty(t, of.May, "calls of APIs alone")
		assert.InDelta(t, config.DefaultRate, of.Rate, 0)
	}
	assert.Equal(t, []string{"lark", "crm", "hr"}, c.Gateway.Clients[1].Credentials)
}

func TestGatewayClientsRefused(t *testing.T) {
	const missing = "gateway.clients[0].secret_file: is missing: name the file that holds the secret that its program sends as its app secret, or a variable by secret_env"
	edges := []edge{
		{atGateway("{}"), []string{
			"8:5: gateway.clients[0].name: is missing: a name has 1 to 63 characters of a to z, 0 to 9, . _ and -, and begins with a letter or a digit",
			"8:5: " + missing,
			"8:5: gateway.clients[0].credentials: is missing: list the names of those by which this client may call APIs",
		}},
		{atGateway("{name: a, credentials: [], previous_secret_file: client}"), []string{"8:5: " + missing}},
		{atGateway("{name: a, credentials: [crm], cert: {san: x}, may: [user_tokens]}"), []string{"8:5: " + missing}},
		{atGateway("{name: a, secret_file: client, credentials: []}", "{name: a, secret_file: b, credentials: []}"), []string{
			"9:6: gateway.clients[1].name: is the name of gateway.clients[0] already: give each its own",
		}},
		{atGateway("{name: a, secret_file: client, credentials: []}", "{name: b, secret_file: same, credentials: []}"), []string{
			"9:15: gateway.clients[1].secret_file: holds the secret of gateway.clients[0].secret_file: each has to be of one client alone, and once",
		}},
	}
	for _, c := range [][]string{
		{"uid: 7", "53: gateway.clients[0].uid: is of clients of tokens alone, at the socket: a gateway knows a client by its secret"},
		{"secret: " + inlineSecret, "53: gateway.clients[0].secret: is a secret, and none stands in this file: write it into a file and name that by secret_file, or a variable by secret_env"},
		{"may: ws", "53: gateway.clients[0].may: has to be a list, such as [ws], and not a text"},
		{"may: [wss]", `59: gateway.clients[0].may[0]: "wss" is not known: did you mean ws?`},
		{"may: [call]", `59: gateway.clients[0].may[0]: "call" is not known: there are ws, user_login and user_tokens`},
		{"may: [ws, ws]", "63: gateway.clients[0].may[1]: is there twice: keep one"},
		{
			"may: [get, ws, reject]",
			`59: gateway.clients[0].may[0]: "get" is for clients of tokens: here there are ws, user_login and user_tokens, and calls of APIs need none of these`,
			`68: gateway.clients[0].may[2]: "reject" is for clients of tokens: here there are ws, user_login and user_tokens, and calls of APIs need none of these`,
		},
		{"may: [user_tokens]", "53: gateway.clients[0].may: user_tokens needs cert, for the secret does not say that a user's token is this client's: set cert, or leave user_tokens out"},
		{"rate: 0", "53: gateway.clients[0].rate: has to be a number above 0, up to 100000"},
	} {
		e := edge{text: atGateway("{name: a, secret_file: client, credentials: [], " + c[0] + "}")}
		for _, told := range c[1:] {
			e.told = append(e.told, "8:"+told)
		}
		edges = append(edges, e)
	}
	gatewayStage(t).assertTold(edges)
}

// Whoever writes down a certificate that nobody looks at would believe in it. What may has wrong is told alone.
func TestGatewayCertificates(t *testing.T) {
	s := gatewayStage(t)
	of := func(rest string) string {
		return atGateway("{name: a, secret_file: client, credentials: [], cert: {san: x}" + rest + "}")
	}
	const unused = "8:53: gateway.clients[0].cert: is looked at for user_tokens alone, and may does not have that: add it there, or leave this out"
	s.assertTold([]edge{
		{of(""), []string{unused}},
		{of(", may: []"), []string{unused}},
		{of(", may: [ws]"), []string{unused}},
		{of(", may: [user_token]"), []string{`8:75: gateway.clients[0].may[0]: "user_token" is not known: did you mean user_tokens?`}},
		{of(", may: user_tokens"), []string{"8:69: gateway.clients[0].may: has to be a list, such as [ws], and not a text"}},
		{strings.Replace(of(", may: [user_tokens]"), ", client_ca_file: ca", "", 1), []string{
			"8:53: gateway.clients[0].cert: needs gateway.tls.client_ca_file, by which the certificates of clients are looked at: set it, or leave this out",
		}},
	})
	c := s.good(of(", may: [user_tokens]"))
	require.Len(t, c.Gateway.Clients, 1)
	assert.Equal(t, []string{"x"}, c.Gateway.Clients[0].SANs)
	assert.Equal(t, []string{config.MayUserTokens}, c.Gateway.Clients[0].May)
}

// Whatever a program gives for its app id means one credential, or none.
func TestGatewayGrants(t *testing.T) {
	s := gatewayStage(t)
	of := func(credentials string) string {
		return atGateway("{name: a, secret_file: client,\n    credentials: [" + credentials + "]}")
	}
	const (
		oneApp  = " are both of the app that a program would name, so that nobody could say which is meant: keep one"
		oneName = " one has the other's app_id for a name, so that nobody could say which is meant: give it another name, or keep one"
	)
	s.assertTold([]edge{
		{of("crm, hr, lark"), nil},
		{of("crm, hr2"), nil},
		{of("cli_2"), nil},
		{of("m2m"), []string{"9:19: gateway.clients[0].credentials[0]: is of kind: oauth2, and the gateway speaks Feishu's API: grant it at tokens"}},
		{of("m2m, m2m"), []string{
			"9:19: gateway.clients[0].credentials[0]: is of kind: oauth2, and the gateway speaks Feishu's API: grant it at tokens",
			"9:24: gateway.clients[0].credentials[1]: is there twice: keep one",
		}},
		{of("hr, crm, hr2"), []string{"9:28: gateway.clients[0].credentials[2]: hr and hr2" + oneApp}},
		{of("hr, cli_2"), []string{"9:23: gateway.clients[0].credentials[1]: of hr and cli_2" + oneName}},
		{of("cli_2, hr"), []string{"9:26: gateway.clients[0].credentials[1]: of cli_2 and hr" + oneName}},
		{of("crm, crm"), []string{"9:24: gateway.clients[0].credentials[1]: is there twice: keep one"}},
		{of("crm, cmr"), []string{"9:24: gateway.clients[0].credentials[1]: is the name of no credential here: did you mean crm?"}},
	})
	same := "credentials: [{name: cli_1, kind: feishu, app_id: cli_1, app_secret_file: app}]\ngateway: {listen: '127.0.0.1:1', clients: [{name: a, secret_file: client, credentials: [cli_1]}]}"
	assert.Empty(t, s.told(same), "named as it is")
}

// All that is wrong is told at once: a credential with another complaint is compared all the same.
func TestGatewayGrantsOfBadCredentials(t *testing.T) {
	newStage(t).assertTold([]edge{{
		"credentials: [{name: a, kind: feishu, app_id: cli_1}, {name: b, kind: feishu, app_id: cli_1, app_secret_file: app}, {name: c}]\n" +
			"gateway: {listen: '127.0.0.1:1', clients: [{name: x, secret_file: client, credentials: [a, b, c]}]}",
		[]string{
			"1:15: credentials[0].app_secret_file: is missing: name the file that holds the app's secret, or a variable by app_secret_env",
			"1:117: credentials[2].kind: is missing: there are feishu and oauth2",
			"2:92: gateway.clients[0].credentials[1]: a and b are both of the app that a program would name, so that nobody could say which is meant: keep one",
		},
	}})
}

// A user's token does not say whose app it is of, and shall go to no other issuer.
func TestGatewayUserTokens(t *testing.T) {
	s := gatewayStage(t)
	of := func(credentials string) string {
		return atGateway("{name: a, secret_file: client, cert: {san: x}, may: [user_tokens],\n    credentials: [" + credentials + "]}")
	}
	const apart = ", and a user's token does not say of which app it is: with user_tokens all have to have one; keep one of the two, or leave user_tokens out"
	s.assertTold([]edge{
		{of("crm, hr"), nil},
		{of("lark"), nil},
		{of("crm, lark, hr"), []string{"9:24: gateway.clients[0].credentials[1]: has another base_url than crm" + apart}},
		{of("lark, crm"), []string{"9:25: gateway.clients[0].credentials[1]: has another base_url than lark" + apart}},
		{of("m2m, crm"), []string{"9:19: gateway.clients[0].credentials[0]: is of kind: oauth2, and the gateway speaks Feishu's API: grant it at tokens"}},
	})
}

// Clients of one name at both doors are one program. No others share anything.
func TestOneProgramAtBothDoors(t *testing.T) {
	s := gatewayStage(t)
	both := func(atTokens, there string) string {
		const tls = "tls: {cert_file: cert, key_file: key, client_ca_file: ca}, "
		return crm + "tokens: {listen: '127.0.0.1:1', " + tls + "clients: [" + atTokens + "]}\n" +
			"gateway: {listen: '127.0.0.1:2', " + tls + "clients: [\n    " + there + "]}\n"
	}
	const (
		shared = ": each has to be of one client alone, at both doors; if the two are one program, give them one name"
		twice  = ": each has to be of one client alone, and once"
	)
	s.assertTold([]edge{
		{both("{name: a, secret_file: client, credentials: []}", "{name: a, secret_env: CLIENT, credentials: []}"), nil},
		{both("{name: a, secret_file: client, credentials: []}", "{name: a, secret_file: b, credentials: []}"), nil},
		{both("{name: a, secret_file: client, previous_secret_file: b, credentials: []}", "{name: a, secret_file: b, previous_secret_file: same, credentials: []}"), nil},
		{both("{name: a, cert: {san: x}, credentials: []}", "{name: a, secret_file: b, credentials: [], cert: {san: X}, may: [user_tokens]}"), nil},
		{both("{name: a, secret_file: client, credentials: []}", "{name: b, secret_env: CLIENT, credentials: []}"), []string{
			"4:15: gateway.clients[0].secret_env: holds the secret of tokens.clients[0].secret_file" + shared,
		}},
		{both("{name: a, secret_file: b, previous_secret_file: client, credentials: []}", "{name: b, secret_file: same, credentials: []}"), []string{
			"4:15: gateway.clients[0].secret_file: holds the secret of tokens.clients[0].previous_secret_file" + shared,
		}},
		{both("{name: a, cert: {san: x}, credentials: []}", "{name: b, secret_file: b, credentials: [], cert: {san: [y, X]}, may: [user_tokens]}"), []string{
			"4:64: gateway.clients[0].cert.san[1]: is a name in the certificate of tokens.clients[0].cert.san" + shared,
		}},
		{both("{name: a, secret_file: client, credentials: []}", "{name: a, secret_env: CLIENT, credentials: []}, {name: b, secret_file: same, credentials: []}"), []string{
			"4:63: gateway.clients[1].secret_file: holds the secret of tokens.clients[0].secret_file" + shared,
		}},
		{both("{name: a, cert: {san: x}, credentials: []}", "{name: a, secret_file: b, credentials: [], cert: {san: [x, x]}, may: [user_tokens]}"), []string{
			"4:64: gateway.clients[0].cert.san[1]: is a name in the certificate of gateway.clients[0].cert.san[0]" + twice,
		}},
	})
}
