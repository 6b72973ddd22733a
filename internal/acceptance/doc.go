// Package acceptance has clients that others wrote call the test issuers: what these take for the
// standard is then not our own reading of it alone. One of them, the official SDK for Feishu and Lark,
// does so with adapters/larksdk, whose own tests have a double of it.
//
// It is a module of its own, as it depends on them: golang.org/x/oauth2, the core package of oapi-sdk-go,
// and openid-client for Node, which package-lock.json pins and "npm ci" installs.
package acceptance
