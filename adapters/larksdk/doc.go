// Package larksdk has Feishu's and Lark's official SDK for Go use the fleet's tokens, and changes
// nothing else about it. It imports no SDK: what it has fits the SDK's interfaces by its shape.
//
//	tokenCache, client, err := larksdk.New(larksdk.Config{
//		Apps:    []larksdk.App{{ID: id, Source: tokens, Hosts: []string{feishu.Origin()}}},
//		Timeout: 10 * time.Second,
//	})
//	sdk := lark.NewClient(id, secret,
//		lark.WithOpenBaseUrl(feishu.BaseURL()),
//		lark.WithTokenCache(tokenCache),
//		lark.WithHttpClient(client))
//
// Both have to be set, for each lark.NewClient; without the Cache a call ends with ErrTokenRequest.
// Two options must not be set: lark.WithEnableTokenCache(false), under which the SDK asks no cache
// and sends no token, so that the API replies with code 99991661, and the Logger is warned; and
// lark.WithReqTimeout, which does nothing beside lark.WithHttpClient: Config.Timeout is in its
// place.
//
// The SDK wants some secret, but does not use it for calls of APIs; what does want the real one is
// in the list below. A call that is for a token, such as the SDK's
// GetTenantAccessTokenBySelfBuiltApp, ends with ErrTokenRequest: Source.Get has it.
//
// # How it works
//
//  1. For a call the SDK looks at what the API takes, and at what the call was given, and chooses a
//     user's token, the tenant's, the app's, or none. That stays the SDK's.
//  2. If it chose the app's or the tenant's, it asks its cache. The Cache (cache.go) knows the key
//     (key.go), and gives a marker (marker.go): text that names the token, and is none.
//  3. The SDK sends the marker as if it were the token. The Client (client.go) puts the token in its
//     place, by way of fetcher/bearer: only if the host is one of App.Hosts.
//  4. If the API rejects the token, the fleet is told, and the Client sends the request once more,
//     with the next token and all of the body.
//  5. If the rejection stays, the call ends with a *bearer.RejectedError. Not with the reply: the SDK
//     would make the call again, and build the body anew. Of an upload it has read the file to its
//     end by then, so that it would send an empty one, and report success. So the Client sees a
//     rejection wherever the SDK would (rejects.go), and an error is none of those after which the
//     SDK tries again, if something was sent already (noconnection.go). So one call of the SDK is two
//     requests at most, but for redirects, and for what Downloads says.
//
// So nothing that the SDK holds, logs or prints has a token in it, but for those of users and those
// that calls are given. A Get of the Cache never waits or fails; the token's Get is part of sending
// the request, and bounded by its context and Config.Timeout.
//
// # A marker is a capability
//
// Within the process a marker is as good as the token: a request of the Client's with a marker as its
// "user token" goes out as the app's. Outside of it a marker is nothing, as part of it is random for
// each process. The SDK up to v3.4.0, and whatever logs its requests, prints markers at debug level. So
// let no caller of yours choose the user token that the SDK sends and read such a log.
//
// # Downloads
//
// A reply of 200 may be a file that somebody has stored. One that looks like a rejection in all, with the
// media type of JSON and without Content-Disposition, cannot be downloaded: it costs a token, and
// ends with a *bearer.RejectedError. A reply of 200 that only the SDK takes as a rejection, such as
// one without a message, is left to the SDK, which makes the call again if it is no download.
//
// # Several apps, several clients
//
// The SDK has its cache in a global of its package, where the last lark.NewClient puts its own. That
// does no harm: each Cache knows the apps of every New in the process, and each Client puts in the
// tokens of its own apps. One New may have any number of apps, or each app its own. A client of
// another app, in the same process, is as it was before: the Cache stores its tokens in Config.Rest,
// and warns once.
//
// # Versions
//
// v3.2.2, v3.4.0 and v3.12.0 were tried. The keys of these, and those between, are known. In a key of
// another form an app's id is looked for; the Logger is warned once. If the SDK asks for a token of
// one of the apps all the same, the call ends with ErrTokenRequest, and with what to set.
//
// # Bodies
//
// The SDK makes all of a body before it sends it, files too, so that all of it can be sent again. A
// body that passes through, as of the SDK's streams, can be so up to Config.KeepBody; beyond, the
// RejectedError is bearer.ErrBodySpent: call again, with the file from its beginning.
//
// # What it does not touch
//
//   - Tokens of users, and those that a call is given (larkcore.WithTenantAccessToken and such; up to
//     v3.4.0 the SDK itself goes by its cache in place of a tenant's).
//   - Events and cards, with the keys to open them; app tickets are stored in Config.Rest.
//   - The SDK's ws client, which sends app id and secret by itself.
//   - A user's sign-in, for which the SDK sends app id and secret, or the app's token.
package larksdk
