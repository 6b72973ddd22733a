// Package feishutest has an issuer that looks like Feishu's token endpoint, for
// tests and for trying things out without an app of one's own.
//
// It keeps to the rule that shapes everything around these tokens, to the
// millisecond: with Window or more left a call returns the same pair of tokens,
// and what is left of its life in whole seconds, rounded down; with less it
// mints a new pair, and both are valid until their own end.
//
// Within a test it needs no socket, and then works in a testing/synctest bubble
// too, where a day passes in a moment:
//
//	issuer := feishutest.New(feishutest.Config{})
//	feishu, err := fetcher.NewFeishu(fetcher.FeishuConfig{
//		AppID:     issuer.AppID(),
//		AppSecret: tokencache.NewSecret(issuer.AppSecret()),
//		Transport: issuer.RoundTripper(),
//	})
//
// It is an http.Handler as well, for httptest.NewServer or a process. It
// serves:
//
//	POST /open-apis/auth/v3/app_access_token/internal     the token endpoint: both tokens of an app
//	POST /open-apis/auth/v3/tenant_access_token/internal  the same, without the app access token
//	GET  /open-apis/tenant/v2/tenant/query                a business API: wants a tenant token
//	POST /open-apis/im/v1/messages                        another, with a body: sends a message to nobody
//	POST /open-apis/im/v1/files                           another, with a form: an upload, which is kept nowhere
//	GET  /open-apis/im/v1/files/{file_key}                a download: wants a tenant token
//	POST /open-apis/mina/v2/tokenLoginValidate            another: wants an app token, and no tenant token
//	POST /open-apis/authen/v2/oauth/token                 a user signs in: wants the app's secret, and any code, once
//	GET  /open-apis/authen/v1/user_info                   who that user is: wants the token of a sign-in
//	POST /callback/ws/endpoint                            where to connect for events: wants the app's secret
//	POST /open-apis/auth/v3/app_ticket/resend             refused with 10016, as by the real one to self-built apps
//	POST /_revoke                                         ends the pair in force of ?app_id=, or of all apps
//	GET  /_stats                                          Stats as JSON
//
// Everything else is a 404 in plain text, as with the real one. An upload is
// answered with the size and SHA-256 of what arrived, beside the real one's
// file_key. A download brings 1 MiB that follows from its key: [FileSHA256].
// /_revoke answers how many pairs it has ended.
//
// # Several apps
//
// [Config.Apps] are further apps, each with a secret, tokens, rule and faults
// of its own: [Issuer.App].
//
// # When a call is decided
//
// A call waits for the latency first; then the issuer decides, mints and counts
// at the moment it answers, so that `expire` is exact. A client that goes away
// meanwhile changes nothing about that: like the real issuer, this one does not
// notice, and mints for nobody. [Config.OnRequest] tells of a call that has
// arrived and is not yet decided, which is the moment to kill its caller.
//
// # Faults
//
// [Issuer.FailNext] and [Issuer.SetFault] make the token endpoints misbehave in
// every way that has been seen: see [Fault]. [Issuer.Revoke] ends a token early.
//
// # Checking afterwards
//
// [Issuer.Calls] and [Issuer.Pairs] are a record of every call and every pair
// of tokens, with times, for tests that check what went on.
package feishutest
