// Package doccheck looks at what the documents say, a module of its own, as it depends on parsers of
// Markdown and of shell, and, in its folder sdk, on SDKs of others. Reading order:
//
//  1. page.go: a document as its headings, blocks, code spans, links, tables and facts; slug.go: anchors.
//  2. repository.go: all documents of a checkout. Each check goes through them and complains: links.go,
//     twice.go, fences.go, listed.go (what a page has to name), pairs.go (two languages).
//  3. shell.go: a block of shell as statements and calls. usage.go has our command say what it takes,
//     named.go what a checkout has that can be run.
//
// The tests want no complaint about this repository, and one for each fault that they plant. They follow the
// pages: every block of shell runs, in the order of its page, on a Redis and issuers of this machine, and a
// comment behind a command has to quote what that prints. What cannot run here stands in a table, with the
// reason. internal/docs holds the blocks of Go.
package doccheck
