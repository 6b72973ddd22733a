// Package acceptance has clients that others wrote call the test issuers: what these take for the
// standard is then not our own reading of it alone. One of them, the official SDK for Feishu and Lark,
// does so with adapters/larksdk, whose own tests have a double of it; and the one for Node calls them
// unchanged, through the gateway of a service. Examples that are for these SDKs run with them here.
//
// It is a module of its own, as it depends on them: golang.org/x/oauth2, oapi-sdk-go, and for Node
// openid-client, and in gateway @larksuiteoapi/node-sdk, which a package-lock.json pins each and "npm ci"
// installs.
package acceptance
