// Package bearer authorizes the calls of business APIs: an http.RoundTripper
// that sends the token of a tokencache.Source along, and heals a call whose
// token was rejected.
//
//	transport, err := bearer.New(bearer.Config{Source: tokens, Hosts: []string{"open.feishu.cn"}})
//	client := &http.Client{Transport: transport}
//
// It is made for Feishu and Lark, and fits other APIs by what Config says:
//
//	bearer.Config{Kind: bearer.Access, Rejects: bearer.RFC6750Rejects, ...} // OAuth 2
//	bearer.Config{Kind: bearer.Access, Rejects: bearer.WeChatRejects, Place: bearer.InQuery("access_token"), ...}
//
// A request goes downward through the files:
//
//  1. hosts.go decides whether it gets a token: only if it goes to one of
//     Config.Hosts and has nothing yet where the token goes (place.go).
//  2. transport.go asks Config.For whose token it is to be.
//  3. call.go sends a copy of it with the token.
//  4. peek.go has Config.Rejects (rejects.go, challenge.go) look whether the reply is a rejection
//     of the token: then the fleet is told, and the request sent once more with the token that
//     follows, if there is another and the body can be had again (replay.go). Of many calls that
//     were rejected together, one has the issuer asked.
//
// Feishu rejects a token before it looks at the rest of a request, so that a
// second try is safe for any method. There is never a third.
//
// # Rejections
//
// With Feishu and Lark a file that somebody has stored may hold any text, that of a rejection too. So
// a reply is a rejection only if the API says so itself, in a body that is
//
//   - of the type application/json, and of 16 KiB at most,
//   - one JSON object and nothing else, in UTF-8, with or without a byte order mark,
//   - with one "code" and one "msg", a number and a string, in the outermost object,
//   - where the code is one of four ([fetcher.FeishuRejectsToken]); of the two APIs for a user's sign-in
//     by an app token, authen/v1/oidc, also 20013 or 20014, with "message" or "msg",
//
// and has no mark of a file: Content-Disposition, Content-Range or the status 206. With the
// status of an error only a Content-Disposition other than inline is such a mark, as gateways
// put inline before their errors.
//
// A file may come in a reply of 200 that is all that. Nothing tells it from a rejection, and it
// costs a token. If an API hands out other people's files like this, call it with an Authorization
// header of your own, from Source.Get: the Transport leaves such a request alone.
//
// Of other APIs it is whatever Config.Rejects says, such as RFC6750Rejects. A bare 401 may stand for
// a missing permission, which no other token mends: it is a rejection to UnauthorizedRejects alone.
//
// # Tokens in a query
//
// Some APIs want the token in the URL (InQuery), which is printed more often than a header. The
// Transport keeps it from its caller (urls.go, hush.go), however it is escaped:
//
//   - Response.Request, and so the Referer of a redirect and the URL in an error of http.Client, is
//     the request without it.
//   - An error of Base that quotes it is shown without it.
//   - A reply that repeats it in Location, Content-Location, Link or Refresh has the parameter taken
//     out there. If it stands elsewhere in one of these, the header is dropped, and a redirect is an
//     error.
//
// What else a reply holds, such as its body, is the caller's as it is. Base itself sees the token, as
// do proxies with http://, and the API's host, whose logs are its own.
//
// # Redirects
//
// http.Client follows a redirect by another call of RoundTrip. It copies an Authorization header of
// its request even to a subdomain or another port, but the token is only in the copy of the request
// that Config.Base gets. A hop to a host outside of Config.Hosts gets no token, and no hop after it
// does: a foreign host must not decide what is done in the app's name. Nor does any hop after a
// request that had one of its own. All of this goes for another header, and for a query, as well.
//
// # What it does not see
//
//   - A reply that is still compressed: the caller has set Accept-Encoding, or Base
//     does not decompress. http.Transport does, if it is let choose by itself.
//   - The reply to HEAD: it has no body.
//   - Code 99991661 (no token was sent), 99991668 and 99991677 (user tokens).
//   - The reply to the second try, but for Config.Surface. If that token is rejected, too, the next
//     request finds out.
//
// # In a reverse proxy
//
// A [net/http/httputil.ReverseProxy] passes on what its caller has sent. That of
// NewSingleHostReverseProxy keeps the caller's Host, too: as it is none of Config.Hosts, the
// request gets no token, and the API says 99991661. A Rewrite with SetURL sends the API's.
// The caller's Authorization goes on in place of the token, and the caller's Accept-Encoding
// hides rejections:
//
//	proxy := &httputil.ReverseProxy{
//		Transport: transport,
//		Rewrite: func(r *httputil.ProxyRequest) {
//			r.SetURL(api) // and leave r.Out.Host alone
//			r.Out.Header.Del("Authorization")
//			r.Out.Header.Del("Accept-Encoding")
//		},
//	}
//
// Whoever reaches such a proxy acts in the app's name, so have the proxy authenticate its callers.
// The Transport cannot send a body twice that passes through: it returns the rejection of such a
// request, and the next request has the next token.
//
// # With the official SDK
//
// Package adapters/larksdk has the http.Client and the cache for oapi-sdk-go.
package bearer
