// Package page is what a person on call looks at: whether every credential is well, what is not, and what
// will happen next. It is given a [View] and knows nothing of caches, vaults and issuers, so that nothing
// can reach a page that is not in a View. Reading order:
//
//  1. view.go: what is shown, and nothing else. standing.go: what a credential is
//     judged by, and the filter's groups; package standing has the rules.
//  2. headline.go: the sentence on top. bar.go, words.go: lives and times for people.
//  3. render.go: views as HTML, by page.html; each fragment of the page by a template of its own.
//  4. live.go: which fragments have changed, and since when. stream.go: telling browsers of it.
//  5. page.go: the paths, their headers, and the loop that looks.
//
// The page is whole without JavaScript. With it, page.js puts fragments that the server has rendered in the
// place of those before, moves bars and times between, and filters. Nothing is loaded from elsewhere, and the
// Content-Security-Policy allows nothing inline: lengths of bars are attributes of SVG, not styles.
package page
