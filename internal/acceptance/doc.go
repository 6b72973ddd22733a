// Package acceptance has clients that others wrote call the test issuers: what these take for the
// standard is then not our own reading of it alone.
//
// It is a module of its own, as it depends on them: golang.org/x/oauth2, and openid-client for Node,
// which package-lock.json pins and "npm ci" installs.
package acceptance
